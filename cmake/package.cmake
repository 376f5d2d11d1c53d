# The Debian package: `cmake --build build --target package`, or scripts/package.
set(UNTRACK_CONTACT "untrack maintainers <untrack@localhost.localdomain>" CACHE STRING "Who answers for packages that are built here: NAME <ADDRESS>")

set(doc share/doc/untrack)
set(packaging ${PROJECT_BINARY_DIR}/packaging)
# In the C locale whatever the builder speaks; noon, so that no time zone changes the day.
execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C date --utc --date "${UNTRACK_DATE} 12:00" "+%a, %d %b %Y %T +0000"
    OUTPUT_VARIABLE changelog_date OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
configure_file(packaging/changelog.in ${packaging}/changelog @ONLY)
execute_process(COMMAND gzip -9nfk changelog WORKING_DIRECTORY ${packaging} COMMAND_ERROR_IS_FATAL ANY)
install(FILES packaging/copyright ${packaging}/changelog.gz README.md ARCHITECTURE.md CHANGELOG.md DESTINATION ${doc})
install(DIRECTORY docs DESTINATION ${doc})
install(DIRECTORY rules-samples DESTINATION ${doc})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME untrack)
set(CPACK_PACKAGE_CONTACT "${UNTRACK_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "linter and rewriter for rulesets without connection tracking")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Names every rule of an iptables or nftables ruleset that makes the kernel
track connections, finds what is wrong in a bypass of connection tracking
(NOTRACK), follows packets through rulesets, compares rulesets for all
packets, and takes chosen services out of connection tracking. What it
writes is proven for all packets. It never changes the running kernel.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "iptables, nftables, conntrack")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
include(CPack)
