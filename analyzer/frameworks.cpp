// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/frameworks.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace untrack::analyzer {

bool is_owned_by_program(std::string_view chain) {
    // docker, kubernetes and its networks, clouds, libvirt, openstack, bans, ufw, firewalld,
    // OpenWrt.
    constexpr std::string_view prefixes[] = {
        "DOCKER",   "KUBE-", "CILIUM_", "OLD_CILIUM_", "cali-",     "felix-",   "CNI-",
        "FLANNEL-", "WEAVE", "AZURE-",  "AWS-",        "ISTIO_",    "NETAVARK", "LIBVIRT_",
        "neutron-", "nova-", "ts-",     "f2b-",        "fail2ban-", "sshguard", "MINIUPNPD",
        "ufw-",     "ufw6-", "IN_",     "OUT_",        "FWD_",      "FWDI_",    "FWDO_",
        "PRE_",     "POST_", "zone_"};
    constexpr std::string_view infixes[] = {"_direct", "_ZONES", "_IN_ZONES", "_OUT_ZONES",
                                            "_POLICIES"};
    return std::any_of(std::begin(prefixes), std::end(prefixes),
                       [&](std::string_view p) { return chain.starts_with(p); }) ||
           std::any_of(std::begin(infixes), std::end(infixes),
                       [&](std::string_view i) { return chain.find(i) != std::string_view::npos; });
}

std::string_view program_that_rewrites(std::string_view table, std::string_view chain) {
    // In nftables a program has a table of its own.
    if (table == "inet firewalld" || table == "ip firewalld" || table == "ip6 firewalld")
        return "firewalld";
    if (table == "ip kube-proxy" || table == "ip6 kube-proxy") return "kube-proxy";
    // Docker leaves it to the admin.
    if (chain == "DOCKER-USER") return {};
    constexpr std::pair<std::string_view, std::string_view> prefixes[] = {
        {"DOCKER", "docker"},     {"KUBE-", "kube-proxy"},   {"CNI-", "a CNI plugin"},
        {"FLANNEL-", "flannel"},  {"LIBVIRT_", "libvirt"},   {"NETAVARK", "netavark"},
        {"f2b-", "fail2ban"},     {"fail2ban-", "fail2ban"}, {"MINIUPNPD", "miniupnpd"},
        {"sshguard", "sshguard"}, {"ufw-user-", "ufw"},      {"ufw6-user-", "ufw"},
        {"ts-", "tailscale"},
    };
    for (auto [prefix, program] : prefixes)
        if (chain.starts_with(prefix)) return program;
    constexpr std::string_view zone_prefixes[] = {"IN_",   "OUT_", "FWD_", "FWDI_",
                                                  "FWDO_", "PRE_", "POST_"};
    constexpr std::string_view zone_parts[] = {"_allow", "_deny", "_log", "_pre", "_post"};
    bool zone = std::any_of(std::begin(zone_prefixes), std::end(zone_prefixes),
                            [&](std::string_view p) { return chain.starts_with(p); }) &&
                std::any_of(std::begin(zone_parts), std::end(zone_parts),
                            [&](std::string_view p) { return chain.ends_with(p); });
    return zone ? "firewalld" : std::string_view();
}

bool must_be_chain(std::string_view target) {
    return std::any_of(target.begin(), target.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || c == '-' || c == '_'; });
}

}  // namespace untrack::analyzer
