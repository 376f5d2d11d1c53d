// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/hosts.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <set>

#include "analyzer/back_ends.hpp"

namespace untrack::cli {
namespace {

bool is_letter(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0;
}
bool is_letter_or_digit(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// Whether all of them can be loaded, in this order.
bool fit(const std::vector<std::size_t>& files,
         const std::function<const Input&(std::size_t)>& input) {
    for (std::size_t i = 0; i < files.size(); ++i)
        for (std::size_t k = 0; k < i; ++k)
            for (const auto& earlier : input(files[k]).views)
                for (const auto& later : input(files[i]).views)
                    if (!analyzer::may_be_one_host(*earlier->text, *later->text)) return false;
    return true;
}

}  // namespace

std::string name_without_family(const std::string& path) {
    std::size_t slash = path.rfind('/');
    std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
    std::string name;
    // A digit 4 or 6 behind "ip", "ipv" or "v", or where a word ends: ip6tables, rules.v4,
    // before6.rules.
    for (std::size_t i = begin; i < path.size(); ++i) {
        char c = path[i];
        bool digit = (c == '4' || c == '6') && i > begin && is_letter(path[i - 1]);
        bool ends_word = i + 1 == path.size() || !is_letter_or_digit(path[i + 1]);
        auto after = [&](std::string_view word) {
            std::size_t n = word.size();
            return i >= begin + n && path.compare(i - n, n, word) == 0 &&
                   (i == begin + n || !is_letter(path[i - n - 1]));
        };
        if (!digit || !(ends_word || after("ip") || after("ipv"))) {
            name += c;
            continue;
        }
        // iptables and ipv4 say the same as ip6tables and ipv6 do.
        bool alone = name.size() == 1 || (name.size() > 1 && !is_letter(name[name.size() - 2]));
        if (name.ends_with("ipv") || (name.ends_with("v") && alone)) name.pop_back();
    }
    return path.substr(0, begin) + name;
}

Hosts::Hosts(const std::vector<std::string>& paths, const std::vector<std::string>& given)
    : paths_(paths), alone_(paths.size(), true) {
    const std::set<std::string> named(given.begin(), given.end());
    Group of_command_line;
    Group found;
    for (std::size_t i = 0; i < paths.size(); ++i)
        (named.contains(paths[i]) ? of_command_line : found).push_back(i);
    if (of_command_line.size() > 1) groups_.push_back(std::move(of_command_line));
    for (Group& group : by_name(found))
        if (group.size() > 1) groups_.push_back(std::move(group));
    for (const Group& group : groups_)
        for (std::size_t file : group) alone_[file] = false;
}

std::vector<Hosts::Group> Hosts::by_name(const Group& files) const {
    std::map<std::string, Group> groups;
    for (std::size_t file : files) groups[name_without_family(paths_[file])].push_back(file);
    std::vector<Group> list;
    list.reserve(groups.size());
    for (auto& [name, group] : groups) list.push_back(std::move(group));
    return list;
}

std::vector<std::vector<std::size_t>> Hosts::together(
    const std::function<const Input&(std::size_t)>& input) const {
    std::vector<Group> hosts;
    for (const Group& group : groups_) {
        if (fit(group, input)) {
            hosts.push_back(group);
            continue;
        }
        for (Group& smaller : by_name(group)) {
            if (fit(smaller, input)) {
                hosts.push_back(std::move(smaller));
            } else {
                for (std::size_t file : smaller) hosts.push_back({file});
            }
        }
    }
    return hosts;
}

}  // namespace untrack::cli
