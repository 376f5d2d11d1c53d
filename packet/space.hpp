// SPDX-License-Identifier: GPL-2.0-or-later
// The packets of one family as levels of a diagram pool: which level stands for which field, which
// of its values for which interface or part of a mark, and back from values to a packet that a
// reader can send.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packet/diagram.hpp"
#include "packet/packet.hpp"

namespace untrack::packet {

/// Fields of a packet. ICMP's type stands at the level of the source port, its code at that of the
/// destination port.
enum class Field : std::uint8_t {
    state,     ///< what conntrack says of the packet, were it tracked: a StateValue
    fragment,  ///< 1: a later fragment
    protocol,
    in_interface,
    out_interface,
    tcp_flags,
    destination_port,
    source_port,
    destination,  ///< one level, or four for IPv6
    source,
};
inline constexpr std::size_t field_count = 10;

/// Values of Field::state.
enum StateValue : std::uint8_t {
    value_new,
    value_established,
    value_reply,
    value_related,
    value_invalid,
    value_untracked
};
inline constexpr std::uint32_t state_values = 6;
ConntrackState state_of(std::uint32_t value);

/// Where packets go. Those over lo, sent and received by this host, have a way of their own.
enum class Way : std::uint8_t { input, output, forward, loopback };
inline constexpr Way all_ways[] = {Way::input, Way::output, Way::forward, Way::loopback};
/// What a packet's own path is on that way.
constexpr Path path_of(Way way) {
    return way == Way::input ? Path::input : way == Way::forward ? Path::forward : Path::output;
}

/// In which order the fields are asked. No order is good for every ruleset, and a bad one is worse
/// by orders of magnitude: callers try them on a sample.
enum class FieldOrder : std::uint8_t { small_first, destination_first, source_first, port_first };
inline constexpr FieldOrder field_orders[] = {FieldOrder::small_first, FieldOrder::source_first,
                                              FieldOrder::destination_first,
                                              FieldOrder::port_first};

/// What a predicate that a packet's fields do not settle is called, and how its answers hang
/// together.
struct Predicate {
    std::string text;     ///< for reports: "owner --uid-owner 0"
    std::string kind;     ///< its first word: predicates of one kind may be two names of one thing
    bool answer = false;  ///< the direction it is asked of: a reply packet has answers of its own
    bool per_packet = false;  ///< the next packet of the same flow may get another answer
    bool counts = false;      ///< it has a memory: limit, recent, quota, ...
    bool changeable = false;  ///< rules may change its answer: of connections' marks, and of sets
    /// Asked after rules may have changed it: the level that asks it at first, and what they did.
    std::uint32_t first_level = 0;
    std::vector<std::string> writes;
};

class PacketSpace {
  public:
    /// The rulesets that will be asked about, all of the family; `interfaces` are names to be told
    /// apart besides those that the rules name.
    PacketSpace(model::Family family, std::span<const model::Ruleset* const> rulesets,
                FieldOrder order, std::size_t most_words,
                std::span<const std::string> interfaces = {});

    [[nodiscard]] DiagramPool& pool() { return pool_; }
    [[nodiscard]] model::Family family() const { return family_; }
    /// The level of a field; of an address its first, the others follow it.
    [[nodiscard]] std::uint32_t level(Field field) const {
        return levels_[static_cast<std::size_t>(field)];
    }
    [[nodiscard]] std::uint32_t address_levels() const {
        return family_ == model::Family::ip ? 1 : 4;
    }

    // -- interfaces: value 0 is none, others stand for a name or for all other names with a prefix
    /// The values of names that an interface match takes.
    [[nodiscard]] Intervals interfaces(std::string_view name, bool wildcard) const;
    [[nodiscard]] std::uint32_t interface_value(std::string_view name) const;
    /// A name of that value.
    [[nodiscard]] std::string interface_name(std::uint32_t value) const;
    [[nodiscard]] std::uint32_t interface_count() const {
        return static_cast<std::uint32_t>(interface_keys_.size());
    }

    // -- marks: the bits fall into groups that every rule tests or sets as a whole
    struct MarkGroup {
        std::uint32_t mask;
        std::uint32_t level;
    };
    [[nodiscard]] std::span<const MarkGroup> mark_groups() const { return mark_groups_; }
    /// The group's bits of a mark, moved together.
    static std::uint32_t extract(std::uint32_t mark, std::uint32_t mask);

    // -- predicates that the fields do not settle: a level of their own each, 1 is "yes"; and
    // values that are not known, such as a connection's mark
    /// The level for a key, made at the first use, below all others.
    std::uint32_t predicate(const std::string& key, const Predicate& predicate,
                            std::uint32_t last_value = 1);
    [[nodiscard]] bool has_predicate(const std::string& key) const {
        return predicate_keys_.contains(key);
    }
    /// nullptr when the level is none of a predicate.
    [[nodiscard]] const Predicate* predicate_at(std::uint32_t level) const;
    [[nodiscard]] std::span<const std::uint32_t> predicate_levels() const {
        return predicate_levels_;
    }

    /// Packets that can be: fields that the protocol has not are 0, and what conntrack never says
    /// of a packet is left out (ICMP errors are RELATED or INVALID; IPv6 neighbour discovery is
    /// UNTRACKED by itself; nothing else is without a rule).
    Diagram possible();
    /// Flags with which conntrack takes a TCP packet for part of a connection: tcp_valid_flags of
    /// net/netfilter/nf_conntrack_proto_tcp.c. Others are INVALID.
    Diagram valid_tcp_flags();
    /// 127.0.0.0/8 or ::1.
    Diagram loopback_addresses(Field field);
    /// The packets that go that way, by their interfaces.
    Diagram on_way(Way way);
    /// The packets with an address at source or destination that lies between the two, included.
    Diagram addresses(Field field, const model::Address& first, const model::Address& last);
    Diagram values(Field field, std::span<const Interval> intervals) {
        return pool_.values(level(field), intervals);
    }
    Diagram value(Field field, std::uint32_t v) {
        Interval one{v, v};
        return pool_.values(level(field), {&one, 1});
    }

    /// A packet of the set (not empty) that a reader can think about: documentation addresses, high
    /// ports, eth0, as far as the set allows; and which predicates it hangs on, with the answer
    /// they must give.
    struct Witness {
        Packet packet;
        std::vector<std::pair<Predicate, bool>> hangs_on;
        std::vector<std::uint32_t> values;
    };
    [[nodiscard]] Witness witness(Diagram set, Way way) const;
    /// The values of a packet; its predicates are all "no".
    [[nodiscard]] std::vector<std::uint32_t> values_of(const Packet& packet) const;

  private:
    /// Gives every field its level; the largest values of all of them.
    std::vector<std::uint32_t> lay_out(FieldOrder order);
    [[nodiscard]] std::uint32_t preferred(std::uint32_t level, std::span<const Interval> from,
                                          std::span<const std::uint32_t> chosen) const;
    [[nodiscard]] Packet packet_of(std::span<const std::uint32_t> values, Way way) const;
    void set_address(model::Address& address, Field field,
                     std::span<const std::uint32_t> values) const;

    model::Family family_;
    std::vector<std::string> interface_keys_;  ///< sorted; a prefix's key ends in '\1'
    std::vector<MarkGroup> mark_groups_;
    std::array<std::uint32_t, field_count> levels_{};
    DiagramPool pool_;
    std::map<std::string, std::uint32_t> predicate_keys_;
    std::map<std::uint32_t, Predicate> predicates_;
    std::vector<std::uint32_t> predicate_levels_;
};

/// An address's value at one of its levels, in host order.
std::uint32_t address_word(const model::Address& address, std::uint32_t word);

}  // namespace untrack::packet
