# Manual pages and completions, written by the program from its own command line, and where they belong.
set(UNTRACK_DATE 2026-11-25)  # of this version, as manual pages say it; changes with the version
target_compile_definitions(untrack PRIVATE UNTRACK_DATE="${UNTRACK_DATE}")
set(UNTRACK_ZSH_COMPLETIONS share/zsh/site-functions CACHE STRING "Where zsh finds completions; Debian: share/zsh/vendor-completions")

set(generated ${PROJECT_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${generated}/stamp
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${generated}
    COMMAND untrack generate ${generated}
    COMMAND sh -c "gzip -9n generated/man1/*.1"
    COMMAND ${CMAKE_COMMAND} -E touch ${generated}/stamp
    WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
    DEPENDS untrack COMMENT "Writing manual pages and completions" VERBATIM)
add_custom_target(manual ALL DEPENDS ${generated}/stamp)
install(DIRECTORY ${generated}/man1 DESTINATION share/man)
install(FILES ${generated}/completions/bash/untrack DESTINATION share/bash-completion/completions)
install(FILES ${generated}/completions/zsh/_untrack DESTINATION ${UNTRACK_ZSH_COMPLETIONS})
install(FILES ${generated}/completions/fish/untrack.fish DESTINATION share/fish/vendor_completions.d)
