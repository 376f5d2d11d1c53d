// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/frameworks.hpp"

#include <algorithm>
#include <iterator>

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

bool must_be_chain(std::string_view target) {
    return std::any_of(target.begin(), target.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || c == '-' || c == '_'; });
}

}  // namespace untrack::analyzer
