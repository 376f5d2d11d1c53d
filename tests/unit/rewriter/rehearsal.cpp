// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/rewriter/rehearsal.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "model/iptables_values.hpp"
#include "packet/trace.hpp"
#include "packet/words.hpp"

namespace untrack::rewriter {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Path;
using packet::Truth;
using packet::Verdict;

constexpr std::size_t most_addresses = 48;
constexpr std::size_t most_interfaces = 8;
// Rules visited in one rehearsal: a second or so.
constexpr std::size_t most_work = 40'000'000;

model::Address address(const char* text) {
    model::Family family{};
    model::Address a;
    packet::parse_address(text, family, a);
    return a;
}

/// Addresses, interfaces and ports that the rules speak of, and some they do not.
struct Pools {
    std::vector<model::Address> addresses;
    std::vector<std::string> interfaces;
    std::vector<std::uint16_t> ports{40000, 1023, 53};
    bool v4 = true;

    explicit Pools(const model::Ruleset& r) {
        v4 = r.family == model::Family::ip;
        addresses =
            v4 ? std::vector<model::Address>{address("203.0.113.9"), address("192.0.2.1"),
                                             address("198.51.100.2"), address("10.1.2.3"),
                                             address("192.168.1.77")}
               : std::vector<model::Address>{address("2001:db8:ffff::9"), address("2001:db8:1::1"),
                                             address("fe80::1"), address("2a00:1:2::3")};
        interfaces = {"eth0", "eth1"};
        for (const model::Match& m : r.matches) {
            if ((m.kind == model::MatchKind::source || m.kind == model::MatchKind::destination) &&
                addresses.size() < most_addresses) {
                if (m.count == 0) {
                    std::uint32_t host = ~m.payload.masked_v4.mask;
                    add(model::v4_address(m.payload.masked_v4.value | (host & 5U)));
                    if (host != 0) add(model::v4_address(m.payload.masked_v4.value | host));
                } else {
                    add(r.addresses[m.payload.pool.first].value);
                }
            } else if ((m.kind == model::MatchKind::in_interface ||
                        m.kind == model::MatchKind::out_interface) &&
                       interfaces.size() < most_interfaces) {
                std::string name(r.string(m.payload.interface.name));
                if (m.payload.interface.wildcard) name += "0";
                if (name != "lo" &&
                    std::find(interfaces.begin(), interfaces.end(), name) == interfaces.end())
                    interfaces.push_back(name);
            } else if ((m.kind == model::MatchKind::source_port ||
                        m.kind == model::MatchKind::destination_port) &&
                       m.count == 0 && ports.size() < 24) {
                if (std::find(ports.begin(), ports.end(), m.payload.ports.first) == ports.end())
                    ports.push_back(m.payload.ports.first);
            }
        }
    }
    /// Hosts only: multicast, loopback and "this network" are no one's service.
    void add(const model::Address& a) {
        std::uint8_t b = a.bytes[0];
        if (v4 ? b == 0 || b == 127 || b >= 224 : b == 0xff || b == 0) return;
        if (std::find(addresses.begin(), addresses.end(), a) == addresses.end())
            addresses.push_back(a);
    }
};

/// A small generator of our own choice: the same ruleset is rehearsed the same way on every host.
class Random {
  public:
    std::size_t below(std::size_t n) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::size_t>(state_ >> 33U) % n;
    }
    template <typename T>
    const T& pick(const std::vector<T>& values) {
        return values[below(values.size())];
    }

  private:
    std::uint64_t state_ = 42;
};

class Rehearsal {
  public:
    Rehearsal(const model::Ruleset& before, const model::Ruleset& after, const Request& request)
        : request_(request),
          pools_(before),
          before_(host(before_host_, before)),
          after_(host(after_host_, after)),
          family_(before.family) {
        rules_ = before.rules.size() + 10;
    }

    RehearsalResult run() {
        std::size_t rounds = std::clamp<std::size_t>(most_work / (rules_ * 10), 60, 3000);
        for (std::size_t i = 0; i < rounds && result_.failures.empty(); ++i) {
            const Service& service = request_.services[i % request_.services.size()];
            flow(service, i % 5 == 4 && request_.role == Role::server);
            if (request_.role == Role::server) own_question(service);
            outsider(i);
        }
        errors();
        return result_;
    }

  private:
    static packet::Host host(std::array<const model::Ruleset*, 1>& storage,
                             const model::Ruleset& r) {
        storage[0] = &r;
        return storage;
    }

    Verdict verdict(const packet::Tracer& tracer, Packet p, ConntrackState state) const {
        p.state = state;
        return tracer.trace(p, false).verdict;
    }
    /// What became of a packet of a flow: in its state, or untracked where the ruleset had left it
    /// so already.
    Verdict used_to(const Packet& p, ConntrackState state) const {
        packet::Trace now = before_.trace(p, false);
        return now.untracked == Truth::yes ? now.verdict : verdict(before_, p, state);
    }
    packet::Trace untracked(const Packet& p) const { return after_.trace(p, false); }

    Packet question(const Service& service, bool loopback) {
        Packet p;
        p.family = family_;
        p.protocol = service.protocol;
        p.source = random_.pick(pools_.addresses);
        p.destination = random_.pick(pools_.addresses);
        if (request_.address) {
            for (std::size_t i = 0; i < 16; ++i)
                p.destination.bytes[i] = static_cast<std::uint8_t>(
                    (p.destination.bytes[i] & ~request_.address->mask.bytes[i]) |
                    request_.address->value.bytes[i]);
        }
        settle(p.destination);
        p.source_port = random_.below(3) == 0
                            ? random_.pick(pools_.ports)
                            : static_cast<std::uint16_t>(32768 + random_.below(28000));
        // A packet from one of the service's ports to another would be question and answer at once.
        for (const model::PortRange& own : service.ports)
            if (own.first <= p.source_port && p.source_port <= own.last) p.source_port = 61001;
        const model::PortRange& range = random_.pick(service.ports);
        p.destination_port = random_.below(2) == 0 ? range.first : range.last;
        p.path = request_.role == Role::router ? Path::forward
                 : loopback                    ? Path::output
                                               : Path::input;
        if (loopback) {
            p.out_interface = "lo";
            if (random_.below(2) == 0 && !request_.address)
                p.destination = address(family_ == model::Family::ip ? "127.0.0.1" : "::1");
            p.source = p.destination;
        } else {
            p.in_interface =
                request_.interface.empty() ? random_.pick(pools_.interfaces) : request_.interface;
        }
        if (p.path == Path::forward) {
            p.out_interface = random_.pick(pools_.interfaces);
            if (p.out_interface == p.in_interface)
                p.out_interface = p.in_interface == "eth1" ? "eth0" : "eth1";
        }
        if (service.protocol == packet::proto_tcp) p.tcp_flags = packet::tcp_syn;
        return p;
    }

    /// Whether an address is this host's own or a broadcast address of its networks cannot be told
    /// when its last bits are all ones.
    void settle(model::Address& a) const {
        if (family_ == model::Family::ip && !request_.address && (a.bytes[3] & 3U) == 3U)
            --a.bytes[3];
    }

    void fail(std::string code, std::string message, const Packet& p) {
        result_.failures.push_back(
            {std::move(code), fmt::format("{}: {}", message, packet::to_words(p)), 0, p});
    }

    void flow(const Service& service, bool loopback) {
        ++result_.flows;
        bool tcp = service.protocol == packet::proto_tcp;
        Packet first = question(service, loopback);
        Packet later = first;
        Packet answer = packet::reverse(first);
        Packet greeting = answer;
        if (tcp) {
            later.tcp_flags = packet::tcp_ack;
            answer.tcp_flags = packet::tcp_ack;
            greeting.tcp_flags = packet::tcp_syn | packet::tcp_ack;
        }
        Verdict opens = used_to(first, ConntrackState::new_);
        Verdict carries = used_to(later, ConntrackState::established);
        Verdict answers = used_to(answer, ConntrackState::reply);
        packet::Trace opened = untracked(first);
        packet::Trace carried = untracked(later);
        bool doubt =
            opens == Verdict::unknown || carries == Verdict::unknown || answers == Verdict::unknown;
        bool works =
            opens == Verdict::accept && carries == Verdict::accept && answers == Verdict::accept;
        if (works) {
            for (const Packet* p : {&first, &later, &answer, &greeting}) {
                packet::Trace t = untracked(*p);
                if (t.verdict == Verdict::accept && t.untracked == Truth::yes) continue;
                if (loopback) result_.loopback_lost = true;
                if (t.verdict == Verdict::unknown)
                    return fail(
                        "UT216",
                        fmt::format("{} would come to see every packet",
                                    t.unknown_on.empty() ? "a limit" : t.unknown_on.front()),
                        *p);
                if (t.verdict != Verdict::accept)
                    return fail("UT202", "a packet of a connection that worked would be dropped",
                                *p);
                return fail("UT201", "a packet of the service would stay tracked", *p);
            }
        }
        if (doubt) return doubtful_flow(first, later, opened, carried, carries, answers);
        if (opened.verdict == Verdict::accept && opened.untracked == Truth::yes &&
            opens != Verdict::accept)
            return fail("UT203", "a connection that was refused would open", first);
        if (carried.verdict == Verdict::accept && carried.untracked == Truth::yes && !works &&
            !loopback && opens != Verdict::accept &&
            used_to(later, ConntrackState::new_) != Verdict::accept)
            return fail("UT203", "packets of connections that were never admitted would pass",
                        later);
    }

    /// A flow whose first packet hangs on an opaque predicate: the conversion must hang on it in
    /// the same way.
    void doubtful_flow(const Packet& first, const Packet& later, const packet::Trace& opened,
                       const packet::Trace& carried, Verdict carries, Verdict answers) {
        Packet tracked = first;
        tracked.state = ConntrackState::new_;
        packet::Trace opens = before_.trace(tracked, false);
        if (carries == Verdict::unknown && carried.untracked == Truth::yes &&
            carried.verdict == Verdict::accept)
            return fail("UT216",
                        "packets would pass without a test that saw every packet, not only the "
                        "first",
                        later);
        if (opens.verdict != Verdict::unknown || carries != Verdict::accept ||
            answers != Verdict::accept)
            return;
        if (opened.untracked == Truth::yes && opened.verdict == Verdict::accept)
            return fail("UT203", "a connection would open without the test it had to pass", first);
        if (opened.verdict == Verdict::drop || opened.verdict == Verdict::reject)
            return fail("UT202", "a connection that may have worked would be dropped", first);
        if (carried.verdict == Verdict::drop || carried.verdict == Verdict::reject)
            return fail("UT202",
                        "later packets of a connection that may have worked would be dropped",
                        later);
        bool counted = std::any_of(opens.unknown_on.begin(), opens.unknown_on.end(), has_memory);
        if (!counted && carried.untracked == Truth::yes && carried.verdict == Verdict::accept)
            return fail("UT203",
                        "packets of connections that may never have been admitted would pass",
                        later);
        // A limit decided about the first packet; the later ones must not hang on it.
        for (const std::string& text : carried.unknown_on)
            if (has_memory(text))
                return fail("UT216", fmt::format("`{}' would come to see every packet", text),
                            later);
    }

    /// Whether an opaque predicate counts packets: its text begins with the match's name.
    static bool has_memory(std::string_view text) {
        for (std::string_view name :
             {"limit ", "hashlimit ", "recent ", "statistic ", "quota ", "connlimit ", "rateest "})
            if (text.starts_with(name)) return true;
        return false;
    }

    /// A datagram that this host sends from the service's port to somebody else's, as ntpd does:
    /// NOTRACK takes it along, and its answer must still come in. TCP gives no such port to a
    /// socket that did not ask for it.
    void own_question(const Service& service) {
        if (service.protocol == packet::proto_tcp || !result_.failures.empty()) return;
        Packet answer = question(service, false);
        answer.source_port = answer.destination_port == 123 ? 123 : random_.pick(pools_.ports);
        Packet asked = packet::reverse(answer);
        if (used_to(asked, ConntrackState::new_) != Verdict::accept ||
            used_to(answer, ConntrackState::reply) != Verdict::accept)
            return;
        for (const Packet* p : {&asked, &answer})
            if (untracked(*p).verdict != Verdict::accept)
                return fail("UT226",
                            "this host's own questions from the service's port would lose their "
                            "answers",
                            *p);
    }

    bool has_own_address(const model::Address& a) const {
        if (!request_.address) return false;
        for (std::size_t i = 0; i < a.bytes.size(); ++i)
            if ((a.bytes[i] & request_.address->mask.bytes[i]) != request_.address->value.bytes[i])
                return false;
        return true;
    }

    bool in_services(const Packet& p) const {
        return std::any_of(
            request_.services.begin(), request_.services.end(), [&](const Service& s) {
                return s.protocol == p.protocol &&
                       std::any_of(s.ports.begin(), s.ports.end(), [&](const model::PortRange& r) {
                           return (r.first <= p.destination_port && p.destination_port <= r.last) ||
                                  (r.first <= p.source_port && p.source_port <= r.last);
                       });
            });
    }

    /// Everything else is decided as before, in every state.
    void outsider(std::size_t round) {
        Packet p;
        p.family = family_;
        p.protocol = round % 3 == 0 ? packet::proto_udp : packet::proto_tcp;
        p.source = random_.pick(pools_.addresses);
        p.destination = random_.pick(pools_.addresses);
        settle(p.destination);
        p.source_port = random_.below(2) == 0
                            ? random_.pick(pools_.ports)
                            : static_cast<std::uint16_t>(32768 + random_.below(28000));
        p.destination_port = random_.below(4) != 0
                                 ? random_.pick(pools_.ports)
                                 : static_cast<std::uint16_t>(1 + random_.below(65535));
        constexpr std::array<std::uint8_t, 4> flags{
            packet::tcp_syn, packet::tcp_ack, packet::tcp_syn | packet::tcp_ack, packet::tcp_rst};
        if (p.protocol == packet::proto_tcp) p.tcp_flags = flags[random_.below(4)];
        p.path = static_cast<Path>(round % 3);
        if (p.path != Path::output) p.in_interface = random_.pick(pools_.interfaces);
        if (p.path != Path::input) p.out_interface = random_.pick(pools_.interfaces);
        // The server's own address is nobody's behind it.
        if (p.path == Path::forward && request_.role == Role::server &&
            (has_own_address(p.source) || has_own_address(p.destination)))
            return;
        bool converted = (request_.role == Role::router) == (p.path == Path::forward);
        if (converted && in_services(p)) return;
        constexpr std::array<ConntrackState, 5> states{
            ConntrackState::automatic, ConntrackState::new_, ConntrackState::established,
            ConntrackState::related, ConntrackState::invalid};
        for (ConntrackState state : states) {
            p.state = state;
            packet::Trace a = before_.trace(p, false);
            packet::Trace b = after_.trace(p, false);
            bool changed = a.verdict != b.verdict ||
                           (a.verdict == Verdict::accept && a.untracked != b.untracked);
            if (changed)
                return fail("UT903",
                            "a packet outside the services would be treated in another way", p);
        }
    }

    /// Errors about untracked flows are INVALID; those that passed as RELATED must still pass, and
    /// no others.
    void errors() {
        constexpr std::array<std::uint8_t, 3> types4{3, 11, 12};
        constexpr std::array<std::uint8_t, 4> types6{1, 2, 3, 4};
        std::span<const std::uint8_t> types = types6;
        if (family_ == model::Family::ip) types = types4;
        std::size_t rounds = std::clamp<std::size_t>(most_work / (rules_ * 10), 60, 2000);
        for (std::size_t i = 0; i < rounds && result_.failures.empty(); ++i) {
            Packet p;
            p.family = family_;
            p.protocol = family_ == model::Family::ip ? packet::proto_icmp : packet::proto_icmpv6;
            p.icmp_type = types[i % types.size()];
            p.path = static_cast<Path>(random_.below(3));
            p.source = random_.pick(pools_.addresses);
            p.destination = random_.pick(pools_.addresses);
            settle(p.destination);
            if (p.path != Path::output) p.in_interface = random_.pick(pools_.interfaces);
            if (p.path != Path::input) p.out_interface = random_.pick(pools_.interfaces);
            Verdict related = verdict(before_, p, ConntrackState::related);
            Verdict invalid = verdict(before_, p, ConntrackState::invalid);
            Verdict now = verdict(after_, p, ConntrackState::invalid);
            if (now == Verdict::accept && related != Verdict::accept && invalid != Verdict::accept)
                return fail("UT203", "an ICMP error that was dropped as RELATED, too, would pass",
                            p);
            if (now == Verdict::accept && invalid != Verdict::accept) note_error(p);
            if (related != Verdict::accept || now == Verdict::accept) continue;
            (p.path == Path::input    ? result_.errors_lost_input
             : p.path == Path::output ? result_.errors_lost_output
                                      : result_.errors_lost_forward) = true;
        }
    }

    /// Keeps the plainest of the errors that anybody may send: a host that is said to be
    /// unreachable, coming in from outside.
    void note_error(Packet p) {
        bool v4 = family_ == model::Family::ip;
        Packet plain = p;
        plain.icmp_type = v4 ? 3 : 1;
        plain.icmp_code = v4 ? 1 : 3;
        plain.source = pools_.addresses.front();
        plain.destination = pools_.addresses[p.path == Path::forward ? 2 : 1];
        if (p.path != Path::output) plain.in_interface = pools_.interfaces[0];
        if (p.path == Path::forward) plain.out_interface = pools_.interfaces[1];
        plain.state = p.state = ConntrackState::invalid;
        if (verdict(after_, plain, plain.state) == Verdict::accept &&
            verdict(before_, plain, plain.state) != Verdict::accept)
            p = plain;
        bool better = !result_.error_from_anyone ||
                      (result_.error_from_anyone->path == Path::output && p.path != Path::output);
        if (better) result_.error_from_anyone = p;
    }

    const Request& request_;
    Pools pools_;
    std::array<const model::Ruleset*, 1> before_host_{};
    std::array<const model::Ruleset*, 1> after_host_{};
    packet::Tracer before_;
    packet::Tracer after_;
    model::Family family_;
    std::size_t rules_ = 0;
    Random random_;
    RehearsalResult result_;
};

}  // namespace

RehearsalResult rehearse(const model::Ruleset& before, const model::Ruleset& after,
                         const Request& request) {
    return Rehearsal(before, after, request).run();
}

}  // namespace untrack::rewriter
