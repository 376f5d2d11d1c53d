# Writes the pages of docs/rules into a source file, so that the program needs no file at run time.
file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/rules/UT*.md)
list(SORT pages)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pages})
set(rows "")
foreach(page ${pages})
    get_filename_component(file_name ${page} NAME)
    string(SUBSTRING ${file_name} 0 5 code)
    file(READ ${page} text)
    string(APPEND rows "    {\"${code}\", R\"page(${text})page\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/rule_pages.cpp @ONLY CONTENT [[
#include "cli/rule_pages.hpp"

namespace untrack::cli {
namespace {
constexpr RulePage pages[] = {
@rows@};
}  // namespace

std::span<const RulePage> rule_pages() {
    return pages;
}

}  // namespace untrack::cli
]])
