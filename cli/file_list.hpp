// SPDX-License-Identifier: GPL-2.0-or-later
// --files-from: paths that come by a file or by standard input.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace untrack::cli {

/// The paths of a list: between NUL bytes when it has any, else in lines. Empty ones are none.
std::vector<std::string> split_list(std::string_view text);
/// Those of a file, or of standard input ("-"). Throws Fatal when it cannot be read.
std::vector<std::string> read_file_list(const std::string& from);

}  // namespace untrack::cli
