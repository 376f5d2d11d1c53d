// SPDX-License-Identifier: GPL-2.0-or-later
// Names that tell whose a chain or target is.
#pragma once

#include <string_view>

namespace untrack::analyzer {

/// A chain that a program makes and fills while the host runs (docker, kube-proxy, cilium, calico,
/// firewalld, fail2ban, ufw, libvirt, ...): a file shows it as it was at one moment.
bool is_owned_by_program(std::string_view chain);

/// The program that writes the chain again from what it knows, so that rules of an admin in it are
/// lost; empty where it is not certain, where the admin is asked to put rules into the chain
/// (DOCKER-USER, ufw-before-input), and for programs that leave connections untracked themselves
/// (cilium, calico, OpenWrt's firewall4).
std::string_view program_that_rewrites(std::string_view table, std::string_view chain);

/// Whether a target that neither the file nor iptables defines must be a chain that is missing:
/// targets of extensions are spelled in capitals and digits.
bool must_be_chain(std::string_view target);

}  // namespace untrack::analyzer
