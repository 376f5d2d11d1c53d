// SPDX-License-Identifier: GPL-2.0-or-later
// What a ruleset means, whatever language wrote it: tables, chains at hooks, rules, matches,
// targets with verdict and effects. It has no layout; each thing knows the line of the file it came
// from. What is not understood stays, as an opaque match or target.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/large_memory.hpp"
#include "base/text_range.hpp"
#include "model/address_ranges.hpp"

namespace untrack::model {

enum class Language : std::uint8_t { iptables, nft };

/// Ingress and egress are a device's own: packets come through the first before prerouting, through
/// the other after postrouting.
enum class Hook : std::uint8_t {
    prerouting,
    input,
    forward,
    output,
    postrouting,
    ingress,
    egress,
};
inline constexpr std::size_t hook_count = 7;
std::string_view name(Hook hook);

/// Connection-tracking states as bits, as `-m state`, `-m conntrack --ctstate` and nft's `ct state`
/// speak of them.
enum State : std::uint8_t {
    state_invalid = 1,
    state_new = 2,
    state_related = 4,
    state_established = 8,
    state_untracked = 16,
    state_snat = 32,
    state_dnat = 64,  ///< not states of a packet but of its entry (xtables only)
};
using StateSet = std::uint8_t;

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0xffff;
    friend constexpr bool operator==(PortRange, PortRange) = default;
};

struct StringTag;
/// A string of Ruleset::strings.
using StringId = Id<StringTag>;
struct TableTag;
using TableId = Id<TableTag>;
struct ChainTag;
using ChainId = Id<ChainTag>;
struct RuleTag;
using RuleId = Id<RuleTag>;

enum class MatchKind : std::uint8_t {
    protocol,  ///< payload `number`
    source,
    destination,  ///< payload `masked_v4` (count 0), else `pool`: any of `count` Ruleset::addresses
    source_range,
    destination_range,  ///< payload `pool`: any of `size` Ruleset::address_ranges, which are
                        ///< sorted and do not meet
    in_interface,
    out_interface,  ///< payload `interface`
    source_port,
    destination_port,
    either_port,   ///< payload `ports` (count 0), else `pool`: any of `count` Ruleset::ports
    tcp_flags,     ///< payload `tcp_flags`
    icmp,          ///< payload `icmp`; of the family's own ICMP
    fragment,      ///< second and later fragments (`-f`)
    state,         ///< payload `state`: -m state, or -m conntrack with nothing but --ctstate
    conntrack,     ///< payload `pool`: Ruleset::conntrack[first]; negation is inside
    mark,          ///< payload `mark`: the packet's mark
    address_type,  ///< payload `address_type` (-m addrtype)
    comment,       ///< always true, or, negated, never; no payload: the text is in the file
    opaque,        ///< anything else; payload `opaque`
};

/// What an opaque predicate's value depends on. Two opaque matches with the same text give the same
/// answer for the same packet only when they are `packet`.
enum class OpaqueNature : std::uint8_t {
    packet,  ///< the packet and slowly changing facts of the host: set, owner, string, time, mac,
             ///< length, a host name, ...
    occurrence,  ///< this very rule's own memory or chance: limit, hashlimit, recent, statistic,
                 ///< quota, connlimit
    always,      ///< always true, with a side effect at most: nfacct
};
/// Which conntrack key an opaque match reads; what it says about an untracked packet follows from
/// it (measured; docs/semantics.md).
enum class ConntrackKey : std::uint8_t {
    none,
    connmark,
    connbytes,
    connlabel,
    connlimit,
    helper,
    cluster
};

enum AddressTypeBit : std::uint16_t {
    type_unspec = 1,
    type_unicast = 2,
    type_local = 4,
    type_broadcast = 8,
    type_anycast = 16,
    type_multicast = 32,
    type_blackhole = 64,
    type_unreachable = 128,
    type_prohibit = 256,
    type_throw = 512,
    type_nat = 1024,
    type_xresolve = 2048,
};

/// One condition of a rule: 12 bytes, because rulesets have millions. Which payload member holds
/// follows from `kind`.
struct Match {
    MatchKind kind = MatchKind::opaque;
    bool negated = false;
    std::uint16_t count = 0;  ///< elements in a pool; 0: the value itself is in the payload
    union Payload {
        std::uint8_t number;
        struct {
            std::uint32_t value, mask;
        } masked_v4;  ///< host order
        struct {
            std::uint32_t first;
            std::uint32_t size;  ///< of ranges, which may be more than `count` can tell
        } pool;
        struct {
            StringId name;
            bool wildcard;
        } interface;  ///< wildcard: `name` is a prefix ("eth+" has "eth")
        PortRange ports;
        struct {
            std::uint8_t mask, value;
        } tcp_flags;  ///< (flags & mask) == value; bits as in the header: fin 1 ... urg 32
        struct {
            std::uint8_t type, code_first, code_last;
            bool any;
        } icmp;
        StateSet state;
        struct {
            std::uint32_t value, mask;
        } mark;
        struct {
            std::uint16_t source, destination;
            bool source_negated, destination_negated, limit_in, limit_out;
        } address_type;
        struct {
            StringId text;
            OpaqueNature nature;
            ConntrackKey key;
            bool unknown_extension;
        } opaque;
        constexpr Payload() : number(0) {}
    } payload;
};
static_assert(sizeof(Match) == 12);

/// -m conntrack with more than --ctstate. A test is absent when its `has_` bit is; each has its own
/// negation.
struct ConntrackMatch {
    enum Field : std::uint16_t {
        ctstate = 1,
        ctproto = 2,
        orig_src = 4,
        orig_dst = 8,
        repl_src = 16,
        repl_dst = 32,
        status = 64,
        expire = 128,
        orig_src_port = 256,
        orig_dst_port = 512,
        repl_src_port = 1024,
        repl_dst_port = 2048,
        direction = 4096,
    };
    std::uint16_t has = 0;      ///< Field bits
    std::uint16_t negated = 0;  ///< Field bits
    StateSet states = 0;
    std::uint8_t protocol = 0;
    std::uint8_t status_bits =
        0;  ///< bit 0 EXPECTED, 1 SEEN_REPLY, 2 ASSURED, 3 CONFIRMED; bit 7 NONE
    bool reply_direction = false;
    std::array<MaskedAddress, 4> addresses;  ///< orig_src, orig_dst, repl_src, repl_dst
    std::array<PortRange, 4> ports;          ///< the same order
    std::uint32_t expire_first = 0, expire_last = 0;
    StringId text;  ///< canonical text, for what a packet does not tell (status, expire)
};

enum class TargetKind : std::uint8_t {
    none,  ///< no target: the rule counts and goes on
    accept,
    drop,
    reject,
    return_,
    jump,
    goto_,        ///< to Rule::jump
    queue,        ///< QUEUE, NFQUEUE: a program decides
    notrack,      ///< NOTRACK, CT --notrack
    ct_template,  ///< CT with anything else, or with nothing
    mark,         ///< MARK; Rule::data indexes Ruleset::marks
    connmark,
    connsecmark,
    log,  ///< LOG, NFLOG, ULOG
    dnat,
    snat,
    masquerade,
    redirect,
    netmap,
    synproxy,
    tproxy,
    side_effect,     ///< changes or reports something no later match of the model reads; goes on:
                     ///< TCPMSS, TTL, DSCP, SET, TEE, ...
    rewrite_header,  ///< changes what later matches read, in a way the model does not follow: SNPT,
                     ///< DNPT, HMARK
    flow_offload,    ///< flow add: hands a tracked flow to a flowtable; goes on
    external,  ///< a chain or target that this file does not define; Rule::target_name names it
    unknown,  ///< a known extension whose verdict the model cannot tell; Rule::target_name names it
};

/// (mark & keep) ^ toggle is the new mark: every form of MARK is one of these.
struct MarkChange {
    std::uint32_t keep;
    std::uint32_t toggle;
};

/// What a NAT target writes into packets: new addresses and ports; of which side the target says.
struct Translation {
    /// None: this host's own (REDIRECT, MASQUERADE), or the packet's (DNAT with a port alone).
    std::optional<AddressRange> addresses;
    /// NETMAP: the network's bits are written, the host's are kept.
    std::optional<MaskedAddress> network;
    /// None: the packet's port, which a source keeps where no other flow has it.
    std::optional<PortRange> ports;
    /// False when an argument could not be read: then any address and port may come.
    bool known = true;
    /// A source port is changed even when it need not be.
    bool random = false, fully_random = false;
    bool persistent = false;  ///< a client gets the same address every time

    /// "dnat to 192.0.2.8:8000-8010 persistent": in words that no language of rules has for itself.
    [[nodiscard]] std::string text(Family family, TargetKind target) const;
};

/// Something that needs connection tracking by being declared (nft).
struct ConntrackObject {
    TableId table;
    TextRange range;
};

struct Rule {
    std::uint32_t line = 0;  ///< index of its line (iptables) or node (nft) in the syntax tree;
                             ///< rules of one line share it
    ChainId chain;
    std::uint32_t first_match = 0;  ///< into Ruleset::matches
    std::uint16_t match_count = 0;
    TargetKind target = TargetKind::none;
    bool live =
        true;  ///< false: the file itself removes it again (-D, -F, a table that comes twice)
    bool implied = false;  ///< no rule of the file: what a hook's devices mean; line is the hook
    ChainId jump;
    std::uint32_t data = 0;  ///< mark: index into marks; connmark: 1 when it changes the packet's
                             ///< mark; ct_template: 1 when it takes NOTRACK back (nft's zones);
                             ///< NAT: index into translations
    StringId target_name;  ///< as written: "REJECT", "docker-user"; none for jumps to chains of the
                           ///< file and for TargetKind::none
};

/// What the chains at a hook are there for. In iptables the table says it, in nft type, hook and
/// priority. Packets meet raw before conntrack has seen them, and nat with the first packet of a
/// flow alone.
enum class ChainRole : std::uint8_t { none, raw, mangle, nat, filter, security };

struct Chain {
    std::string_view name;
    TableId table;
    TextRange declared;            ///< where it is declared; empty when it never is
    std::uint32_t first_rule = 0;  ///< into Ruleset::order
    std::uint32_t rule_count = 0;
    std::int32_t priority = 0;     ///< of a base chain
    Hook hook = Hook::prerouting;  ///< of a base chain
    bool base = false;
    bool is_declared = false;
    TargetKind policy = TargetKind::accept;  ///< accept or drop; base chains only
    ChainRole role = ChainRole::none;        ///< of other chains: their table's, if it has but one
    std::uint32_t references = 0;            ///< rules that jump or go to it
};

struct Table {
    std::string_view name;
    Family family = Family::ip;
    TextRange declared;  ///< its first "*name" line
    /// What is no packet of either family meets its chains, too: ARP, what a bridge forwards.
    bool other_frames = false;
};

/// A value that the language allows but the model cannot read ("--dport 99999"): reported like a
/// syntax error.
struct Problem {
    TextRange range;
    std::string message;
};

/// A match or target whose values the model does not read, or that lacks something: refusals()
/// looks closer.
struct UnusualUse {
    std::uint32_t line = 0;  ///< index into the syntax tree
    TableId table;
    std::uint32_t first_option = 0;  ///< into Ruleset::unusual_options
    std::uint16_t option_count = 0;
    std::uint16_t extension = 0;  ///< an ExtensionId; none for the counters of -c
    std::uint8_t protocol = 0;    ///< of -p; 0 for none
    bool protocol_negated = false;
};

/// Finds indices by hash: open addressing with the hash beside the index, so that neither growing
/// nor passing by a stranger reads the texts.
class HashSlots {
  public:
    static constexpr std::uint32_t none = 0xffffffffU;

    /// The index that was added with this hash and for which `same` holds; `none` when there is
    /// none.
    template <typename Same>
    [[nodiscard]] std::uint32_t find(std::uint32_t hash, Same same) const {
        if (slots_.empty()) return none;
        std::size_t mask = slots_.size() - 1;
        for (std::size_t at = hash & mask; slots_[at].index != none; at = (at + 1) & mask)
            if (slots_[at].hash == hash && same(slots_[at].index)) return slots_[at].index;
        return none;
    }
    void add(std::uint32_t hash, std::uint32_t index);

    /// The first index of that hash, whatever it stands for; `none` when there is none.
    [[nodiscard]] std::uint32_t first(std::uint32_t hash) const {
        return find(hash, [](std::uint32_t) { return true; });
    }
    /// Asks for what find() reads first to be brought into the cache.
    void prefetch(std::uint32_t hash) const {
        if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
    }

  private:
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t index = none;
    };
    void place(Slot slot);

    LargeTable<Slot> slots_;
    std::size_t used_ = 0;
};

/// The ruleset of one file. It refers to the file's bytes and syntax tree; both must outlive it.
class Ruleset {
  public:
    Family family = Family::ip;
    Language language = Language::iptables;
    std::string_view text;
    std::string_view path;

    std::vector<Table> tables;
    LargeTable<Chain> chains;
    LargeVector<Rule> rules;  ///< in file order (of nft table by table); rules that the file itself
                              ///< removes again are in no chain
    std::vector<RuleId>
        order;  ///< the rules of each chain, chain after chain, in the order in which they apply
    LargeVector<Match> matches;
    std::vector<MaskedAddress> addresses;
    AddressRanges address_ranges;
    std::vector<PortRange> ports;
    std::vector<ConntrackMatch> conntrack;
    std::vector<MarkChange> marks;
    std::vector<Translation> translations;
    /// By rule: its target with all options as canonical text, "DNAT --to-destination 10.0.0.1";
    /// none for accept, drop, return and jumps. Empty unless it was asked for.
    std::vector<StringId> target_texts;
    std::vector<Problem> problems;
    /// What the text does that the model does not follow: what packets meet may be otherwise.
    std::vector<Problem> unfollowed;
    std::vector<ConntrackObject> conntrack_objects;
    std::vector<UnusualUse> unusual;             ///< in file order
    std::vector<std::uint32_t> unusual_options;  ///< indices into SyntaxTree::options
    /// Tables that occur twice: the second "*name" line of each (it empties the first).
    std::vector<TextRange> repeated_tables;

    [[nodiscard]] const Table& table(TableId id) const { return tables[id.value]; }
    [[nodiscard]] const Chain& chain(ChainId id) const { return chains[id.value]; }
    [[nodiscard]] const Rule& rule(RuleId id) const { return rules[id.value]; }
    [[nodiscard]] std::span<const RuleId> rules_of(const Chain& c) const {
        return std::span(order).subspan(c.first_rule, c.rule_count);
    }
    [[nodiscard]] std::span<const Match> matches_of(const Rule& r) const {
        return std::span(matches).subspan(r.first_match, r.match_count);
    }
    /// Of a source_range or destination_range.
    [[nodiscard]] AddressRanges::Part ranges_of(const Match& m) const {
        return address_ranges.part(m.payload.pool.first, m.payload.pool.size);
    }
    [[nodiscard]] std::string_view string(StringId id) const {
        return id.valid() ? strings_[id.value] : std::string_view();
    }
    /// Of a rule with a NAT target.
    [[nodiscard]] const Translation& translation(const Rule& r) const {
        return translations[r.data];
    }
    /// What stands after -j or -g: a target, or a chain of this file; empty when there is none.
    [[nodiscard]] std::string_view target_name(const Rule& r) const {
        return r.jump.valid() ? chain(r.jump).name : string(r.target_name);
    }
    [[nodiscard]] std::string_view target_text(RuleId id) const {
        return id.value < target_texts.size() ? string(target_texts[id.value]) : std::string_view();
    }
    [[nodiscard]] const Table& table_of(const Rule& r) const { return table(chain(r.chain).table); }
    /// The base chains as a hook calls them where priorities are equal: nat chains by their own
    /// priority, and of nftables the newest first (nf_hook_entries_grow() in the kernel's
    /// net/netfilter/core.c; measured).
    [[nodiscard]] std::vector<ChainId> base_chains() const;
    /// The priority at which a base chain is called. NAT has its two places whatever priority its
    /// chains have (nf_nat_register_fn() in net/netfilter/nf_nat_core.c).
    [[nodiscard]] static std::int32_t place_in_hook(const Chain& base);
    /// The table or chain of that name; invalid when there is none.
    [[nodiscard]] TableId find_table(std::string_view name) const;
    [[nodiscard]] ChainId find_chain(TableId table, std::string_view name) const;
    /// Brings what find_chain() will read for these names into the cache, all at once: where there
    /// are many chains, every step of a search waits for memory.
    void prefetch_chains(TableId table, std::span<const std::string_view> names) const;

    /// Adds a chain (its name must lie in the file or be interned) and makes it findable.
    ChainId add_chain(const Chain& chain);
    /// After a chain's name was changed.
    void index_chains();

    /// Keeps a copy of the text unless it already lies in the file; equal strings get equal ids.
    StringId intern(std::string_view s);

  private:
    std::vector<std::string_view> strings_;
    HashSlots string_slots_;
    HashSlots chain_slots_;  ///< by table and name
    std::deque<std::string> owned_;
};

/// True when every packet that can match one also matches the other, as far as their text tells:
/// same kind, same value.
bool same_match(const Ruleset& a, const Match& x, const Ruleset& b, const Match& y);

/// At most 16 ports, in place: they are asked for at every rule.
class FewPorts {
  public:
    /// False when there is no room for it.
    bool add(std::uint16_t port) {
        if (count_ == ports_.size()) return false;
        ports_[count_++] = port;
        return true;
    }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] const std::uint16_t* begin() const { return ports_.data(); }
    [[nodiscard]] const std::uint16_t* end() const { return ports_.data() + count_; }

  private:
    std::array<std::uint16_t, 16> ports_{};  ///< the first `count_` are set
    std::uint32_t count_ = 0;
};
/// The ports that one of the matches asks for, when it names at most 16 of them; empty when none of
/// that kind does.
FewPorts few_ports(const Ruleset& ruleset, std::span<const Match> matches, MatchKind kind);

/// The kernel's fixed places of iptables' built-in chains (linux/netfilter_ipv4.h).
inline constexpr std::int16_t priority_raw = -300, priority_conntrack = -200,
                              priority_mangle = -150, priority_nat_dst = -100, priority_filter = 0,
                              priority_security = 50, priority_nat_src = 100;

}  // namespace untrack::model
