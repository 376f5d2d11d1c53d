// SPDX-License-Identifier: GPL-2.0-or-later
// The packets that packet::compare and packet::prove show for a broken conversion, sent through
// both rulesets: the kernel decides each as `before` and `after` say.
#include <algorithm>
#include <array>
#include <cctype>
#include <iostream>
#include <sstream>

#include "packet/words.hpp"
#include "rewriter/rewrite.hpp"
#include "tests/kernel/lab.hpp"
#include "tests/kernel/probe.hpp"
#include "tests/unit/packet/conversion_mutations.hpp"
#include "tests/unit/ruleset_text.hpp"

namespace untrack::test {
namespace {

using packet::ConntrackState;
using packet::Path;

std::string text(const model::Address& address) {
    return packet::address_text(model::Family::ip, address);
}

/// Hosts around one packet: its interfaces have the packet's names, its addresses lead where it
/// goes. `host` has the rules; what it forwards or sends arrives at `receiver`.
class WitnessLab : public Hosts {
  public:
    explicit WitnessLab(const packet::Packet& p)
        : sender(p.path == Path::output ? std::string() : add("c")),
          host(add("h")),
          receiver(p.path == Path::input ? host : add("r")) {
        std::string destination = text(p.destination) + "/32";
        for (const std::string* name : {&sender, &host, &receiver})
            if (!name->empty())
                run("ip netns exec " + *name +
                    " sysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 "
                    "net.ipv4.conf.default.rp_filter=0");
        if (!sender.empty()) lead(destination, sender, "far", host, p.in_interface);
        if (receiver != host) lead(destination, host, p.out_interface, receiver, "far");
        run("ip -n " + receiver + " addr add " + destination + " dev lo");
    }

    const std::string sender;
    const std::string host;
    const std::string receiver;

    [[nodiscard]] std::set<std::size_t> send(const Probe& probe) const {
        return deliver(sender.empty() ? host : sender, receiver, {probe});
    }

  private:
    static void lead(const std::string& destination, const std::string& from,
                     const std::string& from_device, const std::string& to,
                     const std::string& to_device) {
        const std::string hardware = "02:00:00:00:00:01";
        run("ip link add " + from_device + " netns " + from + " type veth peer name " + to_device +
            " address " + hardware + " netns " + to + " && ip -n " + to + " link set " + to_device +
            " up && ip -n " + from + " link set " + from_device + " up && ip -n " + from +
            " route add " + destination + " dev " + from_device + " && ip -n " + from +
            " neigh add " + destination.substr(0, destination.find('/')) + " lladdr " + hardware +
            " dev " + from_device + " nud permanent");
    }
};

/// Why a witness cannot be sent; empty when it can.
std::string cannot_send(const packet::Difference& d) {
    const packet::Packet& p = d.witness;
    auto usable = [](const model::Address& a) {
        return a.bytes[0] != 0 && a.bytes[0] != 127 && a.bytes[0] < 224;
    };
    auto cable = [](const std::string& name) {
        return !name.empty() && name.size() < 16 && name != "far" && name != "lo" &&
               std::all_of(name.begin(), name.end(),
                           [](unsigned char c) { return std::isalnum(c) != 0; });
    };
    if (packet::is_loopback(p)) return "loopback";
    if (!d.hangs_on.empty()) return "hangs on more than the packet";
    if (p.state != ConntrackState::automatic && p.state != ConntrackState::new_ &&
        p.state != ConntrackState::untracked && p.state != ConntrackState::invalid)
        return "needs a connection";
    if (p.protocol != packet::proto_tcp && p.protocol != packet::proto_udp &&
        p.protocol != packet::proto_icmp)
        return "another protocol";
    if (p.fragment) return "a fragment";
    if (p.mark != 0) return "has a mark";
    if (!usable(p.source) || !usable(p.destination) || p.source == p.destination)
        return "addresses that no host sends";
    if ((p.path != Path::output && !cable(p.in_interface)) ||
        (p.path != Path::input && !cable(p.out_interface)) || p.in_interface == p.out_interface)
        return "interfaces that cannot be made";
    auto passes_or_not = [](packet::Fate fate) {
        return fate == packet::Fate::accept || fate == packet::Fate::drop ||
               fate == packet::Fate::reject;
    };
    if (!passes_or_not(d.before.fate) || !passes_or_not(d.after.fate)) return "undecided";
    return {};
}

class Verify : public KernelTest {
  protected:
    /// What conntrack calls the packet, as counting rules after it say; empty when none saw it.
    [[nodiscard]] static std::string state_in(const WitnessLab& lab) {
        std::istringstream lines(
            output_of("ip netns exec " + lab.host + " iptables-nft-save -c -t mangle"));
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("[1:")) {
                std::size_t at = line.find("--ctstate ");
                if (at != std::string::npos) return line.substr(at + 10);
            }
        return {};
    }

    /// Rules in a table of another kind than the ruleset's, so that both stand side by side.
    bool watch(const WitnessLab& lab, const packet::Packet& p) const {
        std::string rules = "*mangle\n";
        for (const char* state : {"UNTRACKED", "NEW", "ESTABLISHED", "RELATED", "INVALID"})
            rules += std::string("-A ") + (p.path == Path::output ? "OUTPUT" : "PREROUTING") +
                     " -s " + text(p.source) + " -d " + text(p.destination) +
                     " -m conntrack --ctstate " + state + "\n";
        return lab.load(lab.host, "iptables-nft-restore", write("watch", rules + "COMMIT\n"));
    }

    /// Empty when the kernel does what the difference says of both rulesets, else why the packet
    /// could not be sent in the state it needs. Another verdict fails the test.
    std::string confirm(const std::string& before, const std::string& after,
                        const packet::Difference& d) const {
        if (std::string why = cannot_send(d); !why.empty()) return why;
        const packet::Packet& p = d.witness;
        SCOPED_TRACE(packet::to_words(p));
        Probe probe{text(p.source), text(p.destination), p.protocol, p.source_port,
                    p.destination_port};
        probe.tcp_flags = p.tcp_flags;
        probe.icmp_type = p.icmp_type;
        probe.icmp_code = p.icmp_code;
        WitnessLab lab(p);
        const std::pair<const std::string*, const packet::Decision*> sides[] = {
            {&before, &d.before}, {&after, &d.after}};
        std::array<bool, 2> passed{};
        std::string needed = p.state == ConntrackState::invalid ? "INVALID" : "NEW";
        for (std::size_t i = 0; i < 2; ++i) {
            const auto& [ruleset, claim] = sides[i];
            // The first has no table that the second has not.
            if (!lab.load(lab.host, "iptables-legacy-restore", write("rules", *ruleset)) ||
                !watch(lab, p)) {
                ADD_FAILURE() << "a ruleset is not accepted";
                return "not loaded";
            }
            lab.forget_entries(lab.host);
            passed[i] = lab.send(probe).contains(0);
            std::string state = state_in(lab);
            EXPECT_NE(state, "") << "the packet has not come to the rules";
            EXPECT_EQ(state == "UNTRACKED", claim->untracked) << (i == 0 ? "before" : "after");
            if (!claim->untracked && state != needed) return "the kernel calls it " + state;
        }
        for (std::size_t i = 0; i < 2; ++i)
            EXPECT_EQ(passed[i], sides[i].second->fate == packet::Fate::accept)
                << (i == 0 ? "before" : "after");
        return {};
    }
};

}  // namespace

TEST_F(Verify, TheKernelConfirmsTheWitnesses) {
    // Each packet needs a laboratory: of one mutation two are enough.
    constexpr std::size_t enough = 2;
    packet::Services services;
    services.list.push_back(rewriter::parse_service("80,443/tcp").value());
    services.role = packet::Role::server;
    WithTexts original(server_before);
    WithTexts converted(server_after);
    const model::Ruleset* original_host[] = {&original.ruleset};
    const model::Ruleset* converted_host[] = {&converted.ruleset};
    std::size_t confirmed_mutations = 0;
    std::size_t by_compare = 0;
    std::size_t by_prove = 0;
    for (const Mutation& m : mutations) {
        SCOPED_TRACE(m.name);
        std::string text = replaced(server_after, m.from, m.to);
        WithTexts broken(text);
        const model::Ruleset* broken_host[] = {&broken.ruleset};
        std::string skipped;
        auto try_all = [&](const std::string& before, const auto& differences) {
            std::size_t confirmed = 0;
            for (const packet::Difference& d : differences) {
                if (confirmed == enough) break;
                std::string why = confirm(before, text, d);
                if (why.empty())
                    ++confirmed;
                else
                    skipped += "\n    " + packet::to_words(d.witness) + ": " + why;
            }
            return confirmed;
        };
        std::size_t compared = try_all(
            server_after,
            packet::compare(model::Family::ip, converted_host, broken_host, {}).differences);
        std::vector<packet::Difference> shown;
        for (packet::Violation& v :
             packet::prove(model::Family::ip, original_host, broken_host, services, {}).violations)
            if (v.obligation == m.broken) shown.push_back(std::move(v.shown));
        std::size_t proved = try_all(server_before, shown);
        by_compare += compared;
        by_prove += proved;
        if (compared + proved != 0)
            ++confirmed_mutations;
        else
            std::cout << m.name << ": not sent" << skipped << "\n";
    }
    std::cout << confirmed_mutations << " of " << std::size(mutations) << " mutations; "
              << by_compare << " packets of comparisons, " << by_prove << " of proofs\n";
    EXPECT_GE(confirmed_mutations, 20U);
}

}  // namespace untrack::test
