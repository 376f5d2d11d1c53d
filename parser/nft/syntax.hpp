// SPDX-License-Identifier: GPL-2.0-or-later
// The lossless tree of nftables text: what `nft list ruleset` prints and what nftables.conf may
// say. It has no meaning; model/ gives it one. Nodes of 16 bytes in one flat vector, in the order
// of the file, because files have a million rules; long sets cost nothing (see Elements).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_range.hpp"
#include "parser/nft/selectors.hpp"

namespace untrack::parser::nft {

/// What a node is, and which children it has, in this order: [] may be absent, * any number of.
/// "detail" and "flags" are members of Node.
enum class Kind : std::uint8_t {
    // --- Files and blocks ------------------------------------------------------------------------
    // `blocks` below stands for what may come between the braces of any block, in any order:
    // include, define, undefine, comment, error, and what the kind says.

    file,      ///< node 0. (command | blocks)*
    include,   ///< string (the path or glob, in quotes as it stands there)
    define,    ///< name value: also redefine (flags: redefined). The value is any expression, set,
               ///< list, or a minus node
    undefine,  ///< name
    command,   ///< exactly one of the objects below, or an opaque. detail: Verb. A bare "table ip x
               ///< { ... }" or "ip x y accept" is a command, too, with Verb::none (nft adds then)
    error,     ///< skipped text between two places that could be read; SyntaxTree::errors says why

    // --- Objects ---------------------------------------------------------------------------------
    // As commands, and in table blocks. Commands name the table; objects of table blocks have only
    // their name. `reference' stands for: [family] [table_name] (name | handle). All have
    // Node::braces when a block follows, even an empty one.

    table,  ///< reference without table_name, (table_flags | chain | set | map | flowtable |
            ///< object | blocks)*
    chain,  ///< reference, [name] (the new one of rename),
            ///< (hook | policy | offload_flags | rule | device | blocks)*
    rule,   ///< in commands: [family] table_name chain_name [position]; then statements,
            ///< [comment]. In chain blocks statements and [comment] only. detail: 0
    set,    ///< reference, (type | type_of | set_flags | timeout | gc_interval | size |
            ///< set_policy | auto_merge | elements | counter | limit | quota | connlimit | last
            ///< | blocks)*; detail: SetKind (set, map, meter)
    elements_command,  ///< reference, elements: the object of "add element ip t s { 1, 2 }"
    flowtable,         ///< reference, (hook | devices | table_flags | counter | blocks)*
    object,            ///< reference, (property | type | blocks)*; detail: ObjectKind. What is
                       ///< written without braces ("add counter t c packets 1") has properties, too
    ruleset,           ///< [family]: "flush ruleset inet"
    many,  ///< [family] [table_name], opaque words: "list chains", "reset rules ip t", "list
           ///< hooks"; detail: 0

    // --- Names -----------------------------------------------------------------------------------
    family,      ///< leaf. detail: Family
    table_name,  ///< leaf; may be in quotes, or `$variable'
    chain_name,  ///< leaf, as table_name: where a command names a rule's chain
    name,        ///< leaf, as table_name: what is declared, or the target of jump and goto. A
                 ///< listing may have names that nft does not take back (1abc, a+b, log)
    handle,      ///< number: "handle 5" where a name could stand
    position,    ///< number; detail: Position ("handle 5", "position 5", "index 5")

    // --- Parts of blocks -------------------------------------------------------------------------
    hook,         ///< [word] (chain type), word (hook), (device | devices)*, [priority].
                  ///< Flowtables lack the type. flags: has_type
    device,       ///< string, word or variable: "device eth0"
    devices,      ///< a set or a variable: "devices = { eth0, eth1 }"
    priority,     ///< base [offset]: base is a number, word or variable, offset a number.
                  ///< detail: Sign of the offset, or of the base when there is no offset
    policy,       ///< word, string or variable: "policy drop", which may stand anywhere
    table_flags,  ///< word*: of a table, chain or flowtable: "flags dormant", "flags offload"
    type,         ///< key [data]: words, or a concat of words. flags: interval_data. Of an object
                  ///< (ct helper): string, [word] (protocol)
    type_of,      ///< key [data]: expressions. flags: interval_data
    set_flags,    ///< word*: "flags interval, timeout"
    timeout,      ///< time, number or variable. Also an element's option
    expires,      ///< time: an element's option
    gc_interval,  ///< time, number or variable
    size,         ///< number or variable
    set_policy,   ///< word
    auto_merge,   ///< leaf
    elements,     ///< a set_body or a variable
    property,     ///< word values*: what an object or a log says as "key value"
    comment,      ///< string or word: `comment "..."'; of blocks, rules (last) and elements

    // --- Statements ------------------------------------------------------------------------------
    // `name operand' stands for: an expression that names an object (string, word, or map_lookup).

    match,       ///< left right; detail: Op. left: selector, raw_payload, concat, binary, inner, or
                 ///< a map_lookup; right: any value, list, masked, set_body, set_ref
    verdict,     ///< [name] for jump and goto; detail: Verdict
    subchain,    ///< rule*: "jump { ... }"; detail: Verdict (jump or goto)
    vmap,        ///< key (set_body | set_ref | variable)
    counter,     ///< [number number] (packets, bytes), or with flags: named, name operand
    limit,       ///< rate, or with flags: named, name operand. Rate: number, [word] (bytes' unit),
                 ///< word (time unit), [burst]; flags: over
    burst,       ///< number, [word]
    quota,       ///< number, word, [used], or with flags: named, name operand; flags: over
    used,        ///< number, word: of a quota; or a time or word (never) of last
    connlimit,   ///< number: "ct count over 20"; flags: over
    last,        ///< [used]
    log,         ///< property*: prefix, group, snaplen, queue-threshold, level, flags
    reject,      ///< [value] (the icmp type's name or number); detail: RejectWith
    snat,        ///< as all of nat: [expression] [port]; detail: Family (0 when absent); flags: Nat
    dnat,        ///< the expression may be an address, range, prefix, concat, map_lookup, ...
    masquerade,  ///< [port]; flags: Nat
    redirect,    ///< [port]; flags: Nat. `redirect to 80' is a port, too
    port,        ///< an expression: ":80", ":1-100", ": tcp dport map { ... }"
    tproxy,      ///< [expression] [port]; detail: Family
    dup,         ///< expression [device]; device's child is an expression here
    fwd,         ///< expression [device]; detail: Family
    queue,       ///< [expression]; flags: Queue
    notrack,     ///< leaf
    flow_add,    ///< set_ref: "flow add @f"
    synproxy,    ///< property*, or with flags: named, name operand
    set_update,  ///< (set_ref | variable) element; detail: SetOp. The element's key and data may
                 ///< contain selectors
    meter,       ///< name [size] element: the key, then its statements
    option_reset,  ///< "reset tcp option sack-perm": word | number
    object_set,    ///< "ct helper set ...": name operand; detail: ObjectKind
    tunnel_name,   ///< "tunnel name ..." : name operand
    assign,        ///< target value: "meta mark set 1", "ip dscp set cs1", "ct zone set iif map @m"
    xt,            ///< [name]: "xt match u32": what nft cannot show of iptables' rules; flags:
                   ///< xt_target
    opaque,        ///< leaf: text that this grammar does not know, delimited exactly: newer syntax.
                   ///< A statement or a whole command; not an error

    // --- Expressions -----------------------------------------------------------------------------
    selector,     ///< detail: Selector; flags: Direction, RouteFamily or fib flags where the
                  ///< selector has them. Children are only its operands:
                  ///<   tcp/ip option, sctp chunk, dccp option: name (word | number), [field word];
                  ///<   "tcp option @255,0,8": number number number; flags: raw_option
                  ///<   rt0 addr, srh sid: number; exthdr: word; socket cgroupv2: number;
                  ///<   osf: [word] (ttl); ipsec: [number] (spnum), flags: Direction (in, out)
                  ///<   numgen: number (mod), [number] (offset)
                  ///<   jhash: expression, number (mod), [number] (seed), [number] (offset); flags
                  ///<   symhash: number (mod), [number] (offset)
    inner,        ///< selector: "vxlan ip saddr": a field of a packet inside a tunnel; detail:
                  ///< Header (vxlan, geneve, gre, gretap)
    raw_payload,  ///< number number (offset, length in bits): "@th,16,16"; detail: PayloadBase
    concat,       ///< expression+: "ip saddr . tcp dport"
    list,         ///< expression+: "new, established"
    binary,       ///< left right; detail: BinaryOp
    map_lookup,   ///< key (set_body | set_ref | variable): "tcp dport map { ... }"
    masked,  ///< value mask: "syn / syn,rst"; each may be a list. A mask that is a number looks
             ///< like a length: "tcp flags 0x2 / 0x12" is a prefix here
    range,   ///< low high; or a leaf when it is two plain values: Halves tells. Either way
    prefix,  ///< address length; or a leaf
    minus,   ///< number: only as the value of define

    set_body,  ///< "{ ... }": read it with Elements. Its children are elements or their keys, or
               ///< there are none because it is long; detail: 0; flags: has_data when an element
               ///< is "key : data"
    element,   ///< key, options and data: what is more than a key. See Elements

    word,      ///< leaf: a symbol: established, ssh, lo
    string,    ///< leaf in quotation marks; no escapes exist
    number,    ///< leaf: decimal, octal or hexadecimal
    time,      ///< leaf: 1d2h3m4s5ms
    ip4,       ///< leaf
    ip6,       ///< leaf; may be in [ ]
    mac,       ///< leaf
    classid,   ///< leaf: "1:10", hexadecimal
    wildcard,  ///< leaf: eth* without quotation marks, "\*" included
    any,       ///< leaf: "*", all other keys of a set
    variable,  ///< leaf: $x
    set_ref,   ///< leaf: @x
};

enum class Verb : std::uint8_t {
    none,
    add,
    create,
    insert,
    replace,
    delete_,
    destroy,
    flush,
    reset,
    list,
    rename,
    get,
    monitor,
    describe,
    export_,
    import,
};
enum class Family : std::uint8_t { none, ip, ip6, inet, arp, bridge, netdev };
enum class SetKind : std::uint8_t { set, map, meter };
enum class ObjectKind : std::uint8_t {
    counter,
    quota,
    limit,
    ct_helper,
    ct_timeout,
    ct_expectation,
    secmark,
    synproxy,
    tunnel,
};
enum class Position : std::uint8_t { handle, position, index };
enum class Sign : std::uint8_t { none, plus, minus };
enum class Op : std::uint8_t { implicit, eq, ne, lt, gt, le, ge, negated };
enum class Verdict : std::uint8_t { accept, drop, continue_, return_, jump, goto_ };
enum class RejectWith : std::uint8_t { none, tcp_reset, icmp, icmpv6, icmpx };
enum class SetOp : std::uint8_t { add, update, delete_ };
enum class BinaryOp : std::uint8_t { and_, or_, xor_, lshift, rshift };
enum class PayloadBase : std::uint8_t { ll, nh, th, ih };

/// Node::flags: what the bits mean depends on the kind.
namespace flag {
inline constexpr std::uint8_t braces = 1;         ///< objects: a block follows
inline constexpr std::uint8_t redefined = 1;      ///< define
inline constexpr std::uint8_t has_type = 1;       ///< hook
inline constexpr std::uint8_t interval_data = 1;  ///< type, type_of
inline constexpr std::uint8_t has_data = 1;       ///< set_body
inline constexpr std::uint8_t named = 1;          ///< counter, limit, quota, synproxy
inline constexpr std::uint8_t over = 2;           ///< limit, quota, connlimit
inline constexpr std::uint8_t xt_target = 1;      ///< xt
// Nat: snat, dnat, masquerade, redirect
inline constexpr std::uint8_t random = 1;
inline constexpr std::uint8_t fully_random = 2;
inline constexpr std::uint8_t persistent = 4;
inline constexpr std::uint8_t nat_prefix = 8;
inline constexpr std::uint8_t nat_interval = 16;
inline constexpr std::uint8_t addr_port = 32;
// Queue
inline constexpr std::uint8_t bypass = 1;
inline constexpr std::uint8_t fanout = 2;
// selector: of ct and ipsec
inline constexpr std::uint8_t original = 1;  ///< ipsec: in
inline constexpr std::uint8_t reply = 2;     ///< ipsec: out
// selector: of rt
inline constexpr std::uint8_t route_ip = 1;
inline constexpr std::uint8_t route_ip6 = 2;
// selector: of fib
inline constexpr std::uint8_t fib_saddr = 1;
inline constexpr std::uint8_t fib_daddr = 2;
inline constexpr std::uint8_t fib_mark = 4;
inline constexpr std::uint8_t fib_iif = 8;
inline constexpr std::uint8_t fib_oif = 16;
// selector: of tcp option
inline constexpr std::uint8_t raw_option = 1;
// selector: of numgen, jhash, symhash
inline constexpr std::uint8_t has_seed = 1;
inline constexpr std::uint8_t has_offset = 2;
// list, set_body, rule and others, where the grammar skipped something inside
inline constexpr std::uint8_t broken = 128;
}  // namespace flag

/// A node: the bytes [begin, end) of the file, and the nodes below it, which follow it. The first
/// byte of a node is the first of its first token, the last that of its last token: no blanks, no
/// separators, no comments around it.
struct Node {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t size;  ///< nodes of the subtree, itself included
    Kind kind;
    std::uint8_t flags;
    std::uint16_t detail;

    [[nodiscard]] TextRange range() const { return {begin, end}; }
    [[nodiscard]] bool leaf() const { return size == 1; }
    [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
    /// The detail as the enumeration that the kind calls for.
    template <typename Enum>
    [[nodiscard]] Enum as() const {
        return static_cast<Enum>(detail);
    }
};
static_assert(sizeof(Node) == 16);

/// The children of a node, in the order of the file. Works wherever nodes lie in sequence: in a
/// tree and in what Elements gives out.
class Children {
  public:
    class Iterator {
      public:
        using value_type = Node;
        using difference_type = std::ptrdiff_t;
        explicit Iterator(const Node* at = nullptr) : at_(at) {}
        const Node& operator*() const { return *at_; }
        const Node* operator->() const { return at_; }
        Iterator& operator++() {
            at_ += at_->size;
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(Iterator, Iterator) = default;

      private:
        const Node* at_;
    };
    explicit Children(const Node& parent) : first_(&parent + 1), end_(&parent + parent.size) {}
    [[nodiscard]] Iterator begin() const { return Iterator(first_); }
    [[nodiscard]] Iterator end() const { return Iterator(end_); }
    [[nodiscard]] bool empty() const { return first_ == end_; }

  private:
    const Node* first_;
    const Node* end_;
};
inline Children children(const Node& parent) {
    return Children(parent);
}
/// The n-th child from 0, or null.
const Node* child(const Node& parent, std::size_t n);
/// The first child of a kind, or null.
const Node* child(const Node& parent, Kind kind);

struct SyntaxError {
    TextRange range;      ///< what the caret stands under; may be empty
    std::string message;  ///< what was expected, and where known what was found
};

/// Things that parse here but that nft 1.0.6 refuses; lint reports them.
enum class NoteKind : std::uint8_t {
    carriage_return,    ///< the first "\r\n" of the file
    byte_order_mark,    ///< UTF-8's at the beginning
    missing_separator,  ///< no newline or ";" before "}", or after it
    unterminated_string,
};
struct Note {
    NoteKind kind;
    TextRange range;
};

/// A file that another one includes. Its bytes and nodes stand behind those of the file that was
/// read, so that offsets and indices tell them apart.
struct IncludedFile {
    std::string path;
    std::uint32_t begin = 0;  ///< of its bytes in SyntaxTree::text
    std::uint32_t root = 0;   ///< its `file' node
};
/// What became of an include node.
struct Inclusion {
    std::uint32_t node = 0;            ///< the include
    std::vector<std::uint32_t> files;  ///< into SyntaxTree::included, in the order of inclusion
    std::string unread;                ///< why (some of) it could not be read; else empty
};

/// The tree of one file. It refers to the bytes it was made from; they must outlive it.
struct SyntaxTree {
    std::string_view text;
    std::vector<Node> nodes;          ///< nodes[0] is the file
    std::vector<TextRange> comments;  ///< "# ..." without the line end, in order, all of them
    std::vector<SyntaxError> errors;  ///< in order
    std::vector<Note> notes;          ///< in order
    /// Of files that were included (see include()); both empty when none was.
    std::vector<IncludedFile> included;
    std::vector<Inclusion> inclusions;

    /// nullptr when nobody has looked for what it includes.
    [[nodiscard]] const Inclusion* inclusion(const Node& include) const;
    [[nodiscard]] const Node& root() const { return nodes.front(); }
    [[nodiscard]] std::string_view text_of(TextRange range) const {
        return text.substr(range.begin, range.size());
    }
    [[nodiscard]] std::string_view text_of(const Node& node) const { return text_of(node.range()); }
    /// Names and strings without quotation marks, variables and set references without their sign.
    [[nodiscard]] std::string_view value_of(const Node& node) const;
    /// The comment on the line where the node ends, or (objects with a block) where "{" stands;
    /// empty when there is none.
    [[nodiscard]] TextRange comment_after(const Node& node) const;
    /// The number in "# handle 5", as `nft -a` prints it there; empty when there is none.
    [[nodiscard]] TextRange listed_handle(const Node& node) const;
};

/// The two values of a range or prefix. `first' and `second' are leaves of their own where the node
/// is a leaf, else its children.
struct Halves {
    Halves(const SyntaxTree& tree, const Node& range_or_prefix);
    Halves(const Halves&) = delete;
    Halves& operator=(const Halves&) = delete;
    const Node* first;
    const Node* second;

  private:
    Node own_[2];
};

/// One element of a set: "key options : data options". Valid until the next one is read.
struct Element {
    const Node* node;            ///< whole: its children are also the options (timeout, expires,
                                 ///< comment, counter, limit, quota, connlimit, last)
    const Node* key;             ///< the node itself when there is nothing else; `any' for "*"
    const Node* data = nullptr;  ///< verdict or expression; null in sets
};

/// The elements of a set_body in order. Long bodies (hundred thousands of addresses are usual) have
/// no nodes in the tree: their elements are read again from the text, with the same grammar, into
/// nodes that live until the next element. Errors are in the tree already; what could not be read
/// is an element whose key is an `error'.
class Elements {
  public:
    Elements(const SyntaxTree& tree, const Node& set_body);
    Elements(const Elements&) = delete;
    Elements& operator=(const Elements&) = delete;
    ~Elements();
    bool next(Element& element);

  private:
    struct Rereader;
    const Node* at_;
    const Node* end_;
    std::unique_ptr<Rereader> rereader_;
};

/// What the text is a part of: "include" may stand in blocks, and the file then has what the block
/// may have.
enum class Context : std::uint8_t { file, table, chain, set };

/// Parses any bytes; never fails. The root's children are what the context may have. Several
/// threads read runs of about `run_bytes` at the same time, to the same tree.
SyntaxTree parse(std::string_view text, Context context = Context::file, std::size_t threads = 1,
                 std::size_t run_bytes = std::size_t{1} << 18U);

/// The include nodes of the file whose root it is, with the context that what they include is read
/// in.
struct IncludeSite {
    std::uint32_t node;
    Context context;
};
std::vector<IncludeSite> include_sites(const SyntaxTree& tree, std::uint32_t root,
                                       Context context = Context::file);
/// Puts a file behind the text and its nodes behind the tree's; `text` is what the tree refers to,
/// and grows. Returns its number in SyntaxTree::included.
std::uint32_t include(SyntaxTree& tree, std::string& text, std::string path,
                      std::string_view included, Context context);

/// The leaves of the tree put together with what is between them, which is the file.
std::string print(const SyntaxTree& tree);

}  // namespace untrack::parser::nft
