// SPDX-License-Identifier: GPL-2.0-or-later
// A list of bad addresses kept as rules, with the chains that fail2ban makes.
#include "bench/ruleset_writer.hpp"

namespace untrack::bench {

std::string generate_blocklist(std::size_t rules, std::uint32_t seed) {
    Dice dice(seed);
    Table filter("filter", {{"INPUT", "ACCEPT"}, {"FORWARD", "ACCEPT"}, {"OUTPUT", "ACCEPT"}});
    const std::string list = "BLOCKLIST";
    struct Jail {
        std::string chain, ports;
    };
    const std::vector<Jail> jails = {{"f2b-dovecot", "-m multiport --dports 143,993"},
                                     {"f2b-sshd", "-m tcp --dport 22"},
                                     {"f2b-webserver", "-m multiport --dports 80,443"}};
    filter.chain(list);
    filter.rule("INPUT", "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
    for (const char* chain : {"INPUT", "FORWARD"}) filter.rule(chain, "-j " + list);
    for (const Jail& jail : jails)
        filter.rule("INPUT", fmt::format("-p tcp {} -j {}", jail.ports, jail.chain));

    std::uint32_t block = dice.public_address();
    while (filter.count() + jails.size() < rules) {
        if (dice.permille(150)) {
            filter.rule(jails[dice.below(3)].chain,
                        fmt::format("-s {} -j REJECT --reject-with icmp-port-unreachable",
                                    host(dice.public_address())));
            continue;
        }
        // Bad addresses come in clusters: a few from one provider, then others.
        if (dice.permille(300)) block = dice.public_address();
        std::uint32_t address = (block & 0xffff0000U) | dice.below(1U << 16);
        std::uint32_t kind = dice.below(100);
        unsigned length = kind < 80 ? 32 : kind < 92 ? 24 : dice.between(16, 23);
        filter.rule(list, fmt::format("-s {} -j DROP", network(address, length)));
        if (filter.count() + jails.size() < rules && dice.permille(5)) filter.repeat(list);
    }
    for (const Jail& jail : jails) filter.rule(jail.chain, "-j RETURN");
    std::string file;
    filter.append_to(file);
    return file;
}

}  // namespace untrack::bench
