// SPDX-License-Identifier: GPL-2.0-or-later
// The only place that writes files: a crash leaves the old bytes or the new ones, never a mixture.
#pragma once

#include <string>
#include <string_view>

namespace untrack::rewriter {

/// Replaces the contents of a file: a temporary beside it, fsync, rename. Mode and owner are kept;
/// a symbolic link stays one. With a backup suffix the old file is kept under that name. Returns
/// why it failed, or an empty string.
std::string replace_file(const std::string& path, std::string_view text,
                         const std::string& backup_suffix);

}  // namespace untrack::rewriter
