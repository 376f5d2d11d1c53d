// SPDX-License-Identifier: GPL-2.0-or-later
// What language a file is in, by its text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace untrack::cli {

enum class Language : std::uint8_t {
    iptables,  ///< of either family; blank files are, too
    nft,
    nft_json,         ///< what `nft -j` prints
    iptables_config,  ///< /etc/sysconfig/iptables-config
    sysctl,
    modprobe,
    shell,  ///< a script that calls iptables
    binary,
    unknown,
};

/// A guess from the first lines that say something.
Language guess_language(std::string_view text);
/// "UT904 unsupported-language" or, for what is no ruleset at all, "no ruleset": the
/// message about a file of a language that is not read, path included.
std::string cannot_read(std::string_view path, Language language);

/// What a file that was found in a directory is: `iptables` when its first line that says something
/// opens one of the kernel's tables, `nft` when that line opens an nftables ruleset, else
/// `unknown`.
Language language_at_first_line(std::string_view text);

}  // namespace untrack::cli
