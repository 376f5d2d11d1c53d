// SPDX-License-Identifier: GPL-2.0-or-later
// Which files one host loads together, as far as the command line and their names tell.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/input.hpp"

namespace untrack::cli {

/// Files that are given by name are one host, unless they cannot be loaded together. Of those that
/// are found in directories, and of given ones that cannot, two are whose names in one
/// directory differ in the family alone (rules.v4 and rules.v6, iptables and ip6tables,
/// before.rules and before6.rules).
class Hosts {
  public:
    /// `paths`: all files; `given`: what stands on the command line.
    Hosts(const std::vector<std::string>& paths, const std::vector<std::string>& given);

    /// Whether the file is a host for itself whatever is in it.
    [[nodiscard]] bool is_alone(std::size_t file) const { return alone_[file]; }
    /// The hosts of all other files, now that they are read.
    [[nodiscard]] std::vector<std::vector<std::size_t>> together(
        const std::function<const Input&(std::size_t)>& input) const;

  private:
    using Group = std::vector<std::size_t>;
    [[nodiscard]] std::vector<Group> by_name(const Group& files) const;

    const std::vector<std::string>& paths_;
    std::vector<Group> groups_;  ///< of several files
    std::vector<bool> alone_;
};

/// A file's path without what says its family: two with the same are one ruleset's halves.
std::string name_without_family(const std::string& path);

}  // namespace untrack::cli
