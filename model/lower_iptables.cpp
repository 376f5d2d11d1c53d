// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/lower_iptables.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>

#include "model/iptables_lowering.hpp"
#include "model/iptables_values.hpp"
#include "model/names.hpp"

namespace untrack::model {
namespace {

using ipt::Base;
using ipt::LineKind;

constexpr std::uint32_t no_rule = 0xffffffffU;

/// Lines whose targets are looked up together.
constexpr std::size_t lines_ahead = 64;

struct BuiltInChain {
    std::string_view table;
    std::string_view name;
    Hook hook;
    std::int16_t priority;
};
constexpr BuiltInChain built_in_chains[] = {
    {"raw", "PREROUTING", Hook::prerouting, priority_raw},
    {"raw", "OUTPUT", Hook::output, priority_raw},
    {"mangle", "PREROUTING", Hook::prerouting, priority_mangle},
    {"mangle", "INPUT", Hook::input, priority_mangle},
    {"mangle", "FORWARD", Hook::forward, priority_mangle},
    {"mangle", "OUTPUT", Hook::output, priority_mangle},
    {"mangle", "POSTROUTING", Hook::postrouting, priority_mangle},
    {"nat", "PREROUTING", Hook::prerouting, priority_nat_dst},
    {"nat", "INPUT", Hook::input, priority_nat_src},
    {"nat", "OUTPUT", Hook::output, priority_nat_dst},
    {"nat", "POSTROUTING", Hook::postrouting, priority_nat_src},
    {"filter", "INPUT", Hook::input, priority_filter},
    {"filter", "FORWARD", Hook::forward, priority_filter},
    {"filter", "OUTPUT", Hook::output, priority_filter},
    {"security", "INPUT", Hook::input, priority_security},
    {"security", "FORWARD", Hook::forward, priority_security},
    {"security", "OUTPUT", Hook::output, priority_security},
};

struct TableRole {
    std::string_view table;
    ChainRole role;
};
constexpr TableRole table_roles[] = {
    {"raw", ChainRole::raw},       {"mangle", ChainRole::mangle},     {"nat", ChainRole::nat},
    {"filter", ChainRole::filter}, {"security", ChainRole::security},
};

/// None when iptables has no table of that name.
ChainRole role_of(std::string_view table) {
    for (const TableRole& t : table_roles)
        if (t.table == table) return t.role;
    return ChainRole::none;
}

/// The rules of a chain while the file is read: a list, because files insert and delete.
struct RuleList {
    std::uint32_t head = no_rule;
    std::uint32_t tail = no_rule;
    std::uint32_t count = 0;
};

}  // namespace

class Lowering {
  public:
    Lowering(const ipt::SyntaxTree& tree, const LowerOptions& options)
        : tree_(tree), reader_(r_, tree), matches_(r_, reader_) {
        r_.family = options.family;
        r_.path = options.path;
        keep_target_texts_ = options.target_texts;
    }

    void reserve(std::size_t rules, std::size_t matches) {
        r_.rules.reserve(rules);
        next_.reserve(rules);
        r_.matches.reserve(matches);
    }

    /// The lines that came into the tree since.
    void read_new_lines() {
        r_.text = tree_.text;
        for (; lines_read_ < tree_.lines.size(); ++lines_read_) {
            if (lines_read_ % lines_ahead == 0) prefetch_chains();
            const ipt::Line& line = tree_.lines[lines_read_];
            reader_.set_line(line);
            switch (line.kind) {
                case LineKind::table:
                    begin_table(line);
                    break;
                case LineKind::chain:
                    declare(line);
                    break;
                case LineKind::command:
                    command(line);
                    break;
                default:
                    break;
            }
        }
    }

    Ruleset finish() {
        order_rules();
        resolve_targets();
        return std::move(r_);
    }

  private:
    // -- tables and chains
    // --------------------------------------------------------------------------------------------

    void begin_table(const ipt::Line& line) {
        ipt::DeclarationParts parts = ipt::declaration(tree_, line);
        std::string_view name = tree_.text.substr(parts.name.begin, parts.name.size());
        TableId known = r_.find_table(name);
        if (known.valid()) {
            // Without --noflush a table line empties the table and forgets its users' chains.
            r_.repeated_tables.push_back({line.begin, parts.name.end});
            for (std::size_t i = 0; i < r_.chains.size(); ++i) {
                if (r_.chains[i].table != known) continue;
                flush(ChainId(i));
                if (!r_.chains[i].base) r_.chains[i].is_declared = false;
            }
            table_ = known;
            return;
        }
        open_table(name, {line.begin, parts.name.end});
        if (role_of(name) == ChainRole::none)
            r_.problems.push_back(
                {parts.name, fmt::format("no table is called `{}': expected filter, nat, mangle, "
                                         "raw or security",
                                         name)});
    }

    void open_table(std::string_view name, TextRange declared) {
        table_ = TableId(r_.tables.size());
        Table table;
        table.name = name;
        table.family = r_.family;
        table.declared = declared;
        r_.tables.push_back(table);
        for (const BuiltInChain& b : built_in_chains) {
            if (b.table != name) continue;
            Chain chain;
            chain.name = b.name;
            chain.hook = b.hook;
            chain.priority = b.priority;
            chain.base = true;
            add_chain(chain);
        }
    }

    ChainId add_chain(Chain chain) {
        chain.table = table_;
        chain.role = role_of(r_.table(table_).name);
        lists_.emplace_back();
        return r_.add_chain(chain);
    }

    /// The chains that the next lines declare or jump to are all over the memory of a large file.
    void prefetch_chains() {
        std::array<std::string_view, lines_ahead> names;
        std::size_t count = 0;
        std::size_t end = std::min(lines_read_ + lines_ahead, tree_.lines.size());
        for (std::size_t i = lines_read_; i < end; ++i) {
            const ipt::Line& line = tree_.lines[i];
            if (line.kind == LineKind::chain) {
                std::string_view rest = tree_.text.substr(line.begin + 1, 64);
                names[count++] = rest.substr(0, rest.find(' '));
                continue;
            }
            std::span<const ipt::Option> options = tree_.options_of(line);
            auto jump = std::find_if(options.rbegin(), options.rend(), [](const ipt::Option& o) {
                return o.key == ipt::key(Base::jump) || o.key == ipt::key(Base::goto_);
            });
            if (jump == options.rend() || jump->value_size == 0) continue;
            std::string_view name = tree_.plain_value(*jump);
            if (!ipt::is_standard_target(name)) names[count++] = name;
        }
        r_.prefetch_chains(table_, {names.data(), count});
    }

    /// The chain of the current table; made, undeclared, when there is none (fragments for
    /// --noflush name chains of others). The name must live as long as the ruleset.
    ChainId chain_named(std::string_view name) {
        // Most rules are for the chain of the rule before.
        if (newest_.valid() && r_.chain(newest_).table == table_ && r_.chain(newest_).name == name)
            return newest_;
        // Of the others most are for the chain that was declared after it: iptables-save writes
        // rules in the order of the chains.
        ChainId next(newest_.value + 1);
        if (next.value < r_.chains.size() && r_.chain(next).table == table_ &&
            r_.chain(next).name == name)
            return newest_ = next;
        newest_ = r_.find_chain(table_, name);
        if (newest_.valid()) return newest_;
        Chain chain;
        chain.name = name;
        return newest_ = add_chain(chain);
    }

    void set_policy(Chain& chain, std::string_view policy, TextRange range) {
        if (policy == "-" || !chain.base) return;
        if (policy == "ACCEPT") {
            chain.policy = TargetKind::accept;
        } else if (policy == "DROP") {
            chain.policy = TargetKind::drop;
        } else {
            r_.problems.push_back(
                {range, fmt::format("`{}' is no policy: expected ACCEPT or DROP", policy)});
        }
    }

    void declare(const ipt::Line& line) {
        ipt::DeclarationParts parts = ipt::declaration(tree_, line);
        Chain& chain =
            r_.chains[chain_named(tree_.text.substr(parts.name.begin, parts.name.size())).value];
        chain.is_declared = true;
        chain.declared = {line.begin, parts.policy.end};
        set_policy(chain, tree_.text.substr(parts.policy.begin, parts.policy.size()), parts.policy);
    }

    void flush(ChainId id) {
        RuleList& list = lists_[id.value];
        for (std::uint32_t i = list.head; i != no_rule; i = next_[i]) r_.rules[i].live = false;
        list = {};
    }

    // -- rules in lists
    // -----------------------------------------------------------------------------------------------

    void append(RuleList& list, std::uint32_t rule) {
        next_[rule] = no_rule;
        if (list.tail == no_rule) {
            list.head = rule;
        } else {
            next_[list.tail] = rule;
        }
        list.tail = rule;
        ++list.count;
    }

    /// At position n, from 1.
    void insert(RuleList& list, std::uint32_t rule, std::uint32_t n) {
        if (n > list.count) return append(list, rule);
        ++list.count;
        if (n == 1) {
            next_[rule] = list.head;
            list.head = rule;
            return;
        }
        std::uint32_t before = list.head;
        for (std::uint32_t i = 2; i < n; ++i) before = next_[before];
        next_[rule] = next_[before];
        next_[before] = rule;
    }

    void remove(RuleList& list, std::uint32_t n) {
        std::uint32_t before = no_rule;
        std::uint32_t at = list.head;
        for (std::uint32_t i = 1; i < n; ++i) {
            before = at;
            at = next_[at];
        }
        if (before == no_rule) {
            list.head = next_[at];
        } else {
            next_[before] = next_[at];
        }
        if (list.tail == at) list.tail = before;
        --list.count;
        r_.rules[at].live = false;
    }

    /// The rule number in an option's value: 1 when it is left out; 0 and a problem when it is no
    /// number.
    std::uint32_t rule_number(const ipt::Option& option, unsigned value, std::uint32_t last) {
        if (option.value_count <= value) return 1;
        std::string_view text = reader_.value(option, value);
        auto n = parse_number(text);
        if (!n || *n == 0 || *n > last) {
            reader_.problem(option,
                            fmt::format("the chain has no place for a rule number `{}'", text));
            return 0;
        }
        return static_cast<std::uint32_t>(*n);
    }

    bool same_rule(const Rule& a, const Rule& b) const {
        if (a.target != b.target || a.jump != b.jump || a.match_count != b.match_count)
            return false;
        if (r_.target_name(a) != r_.target_name(b)) return false;
        for (std::uint32_t i = 0; i < a.match_count; ++i)
            if (!same_match(r_, r_.matches[a.first_match + i], r_, r_.matches[b.first_match + i]))
                return false;
        return true;
    }

    // -- commands
    // -----------------------------------------------------------------------------------------------------

    void command(const ipt::Line& line) {
        if (!table_.valid()) open_table(guess_table(), {0, 0});
        const ipt::Option* verb = nullptr;
        for (const ipt::Option& option : tree_.options_of(line)) {
            if (option.key == ipt::key(Base::ipv4) && r_.family == Family::ip6) return;
            if (option.key == ipt::key(Base::ipv6) && r_.family == Family::ip) return;
            if (option.key <= ipt::key(Base::policy)) verb = &option;
        }
        if (verb == nullptr) return;
        switch (static_cast<Base>(verb->key)) {
            case Base::append:
            case Base::insert:
            case Base::replace:
            case Base::delete_:
                return rule_command(line, *verb);
            case Base::new_chain: {
                Chain& chain = r_.chains[chain_named(reader_.value(*verb)).value];
                chain.is_declared = true;
                chain.declared = reader_.range(*verb);
                return;
            }
            case Base::policy: {
                Chain& chain = r_.chains[chain_named(reader_.value(*verb)).value];
                chain.is_declared = true;
                return set_policy(chain, reader_.value(*verb, 1), reader_.range(*verb));
            }
            case Base::flush:
            case Base::delete_chain:
                return flush_command(*verb);
            case Base::rename_chain: {
                ChainId chain = r_.find_chain(table_, reader_.value(*verb));
                if (!chain.valid())
                    return reader_.problem(*verb, "no chain of that name to rename");
                r_.chains[chain.value].name = reader_.value(*verb, 1);
                newest_ = {};
                return r_.index_chains();
            }
            default:
                return;  // -Z, -L, -S, -C change nothing that the model holds
        }
    }

    void flush_command(const ipt::Option& verb) {
        bool forget = verb.key == ipt::key(Base::delete_chain);
        auto apply = [&](ChainId id) {
            Chain& chain = r_.chains[id.value];
            if (!forget) {
                flush(id);
            } else if (!chain.base && lists_[id.value].count == 0) {
                chain.is_declared = false;
            }
        };
        if (verb.value_count > 0) {
            ChainId id = r_.find_chain(table_, reader_.value(verb));
            if (!id.valid()) return reader_.problem(verb, "no chain of that name");
            return apply(id);
        }
        for (std::size_t i = 0; i < r_.chains.size(); ++i)
            if (r_.chains[i].table == table_) apply(ChainId(i));
    }

    void rule_command(const ipt::Line& line, const ipt::Option& verb) {
        auto kind = static_cast<Base>(verb.key);
        ChainId chain = chain_named(reader_.value(verb));
        RuleList& list = lists_[chain.value];
        if (kind == Base::delete_ && verb.value_count > 1) {
            std::uint32_t n = rule_number(verb, 1, list.count);
            if (n != 0) remove(list, n);
            return;
        }
        std::size_t problems = r_.problems.size();
        auto id = static_cast<std::uint32_t>(r_.rules.size());
        Rule rule = lower_rule(line, chain);
        if (r_.problems.size() > problems)
            return;  // as good as a syntax error: the rule is not there
        if (kind == Base::delete_) return delete_like(verb, rule, lists_[chain.value]);
        r_.rules.push_back(rule);
        if (keep_target_texts_) r_.target_texts.push_back(target_text_);
        next_.push_back(no_rule);
        RuleList& now = lists_[chain.value];
        if (kind == Base::append) {
            append(now, id);
        } else if (kind == Base::insert) {
            std::uint32_t n = rule_number(verb, 1, now.count + 1);
            if (n != 0) insert(now, id, n);
            r_.rules[id].live = n != 0;
        } else {
            std::uint32_t n = rule_number(verb, 1, now.count);
            r_.rules[id].live = n != 0;
            if (n == 0) return;
            remove(now, n);
            insert(now, id, n);
        }
    }

    void delete_like(const ipt::Option& verb, const Rule& rule, RuleList& list) {
        std::uint32_t n = 1;
        for (std::uint32_t i = list.head; i != no_rule; i = next_[i], ++n)
            if (same_rule(r_.rules[i], rule)) return remove(list, n);
        reader_.problem(verb, "the chain has no such rule to delete");
    }

    Rule lower_rule(const ipt::Line& line, ChainId chain) {
        Rule rule;
        rule.line = static_cast<std::uint32_t>(&line - tree_.lines.data());
        rule.chain = chain;
        rule.first_match = static_cast<std::uint32_t>(r_.matches.size());
        uses_used_ = 0;
        std::size_t target = no_use;
        bool is_goto = false;
        std::size_t newest_unknown = no_use;
        for (const ipt::Option& option : tree_.options_of(line)) {
            if (option.key == ipt::key(Base::match)) {
                std::string_view name = reader_.value(option);
                ipt::ExtensionId id = ipt::find_extension(ipt::ExtensionKind::match, name);
                std::size_t use = open_use(id, name);
                if (id == ipt::no_extension) newest_unknown = use;
            } else if (option.key == ipt::key(Base::jump) || option.key == ipt::key(Base::goto_)) {
                is_goto = option.key == ipt::key(Base::goto_);
                std::string_view name = reader_.value(option);
                ipt::ExtensionId id = ipt::is_standard_target(name)
                                          ? ipt::no_extension
                                          : ipt::find_extension(ipt::ExtensionKind::target, name);
                target = open_use(id, name);
                if (id == ipt::no_extension) newest_unknown = target;
            } else if (option.key < ipt::base_option_count) {
                if (option.key == ipt::key(Base::set_counters)) note_counters(option, rule.line);
                matches_.base(option);
            } else if (option.key == ipt::unknown_option) {
                if (newest_unknown != no_use) uses_[newest_unknown].options.push_back(&option);
            } else {
                use_of(ipt::option_info(option.key).extension).options.push_back(&option);
            }
        }
        for (std::size_t i = 0; i < uses_used_; ++i)
            if (i != target) matches_.extension(uses_[i]);
        rule.match_count = static_cast<std::uint16_t>(
            std::min<std::size_t>(r_.matches.size() - rule.first_match, 0xffff));
        if (target != no_use) lower_target(r_, reader_, uses_[target], is_goto, rule);
        target_text_ = {};
        if (keep_target_texts_ && target != no_use && uses_[target].extension != ipt::no_extension)
            target_text_ = r_.intern(reader_.canonical(uses_[target]));
        note_unusual({uses_.data(), uses_used_}, tree_, table_, rule, r_);
        return rule;
    }

    void note_counters(const ipt::Option& option, std::uint32_t line) {
        UnusualUse use;
        use.line = line;
        use.table = table_;
        use.first_option = static_cast<std::uint32_t>(r_.unusual_options.size());
        use.option_count = 1;
        use.extension = ipt::no_extension;
        r_.unusual_options.push_back(static_cast<std::uint32_t>(&option - tree_.options.data()));
        r_.unusual.push_back(use);
    }

    std::size_t open_use(ipt::ExtensionId extension, std::string_view name) {
        if (uses_used_ == uses_.size()) uses_.emplace_back();
        ExtensionUse& use = uses_[uses_used_];
        use.extension = extension;
        use.name = name;
        use.options.clear();
        return uses_used_++;
    }

    /// The newest use of an extension; made when -p alone brought it in.
    ExtensionUse& use_of(ipt::ExtensionId extension) {
        for (std::size_t i = uses_used_; i-- > 0;)
            if (uses_[i].extension == extension) return uses_[i];
        return uses_[open_use(extension, ipt::extensions()[extension].name)];
    }

    /// The table of a listing without table lines, by the built-in chains it names.
    std::string_view guess_table() {
        const ipt::Line& current = reader_.line();
        bool pre = false;
        bool post = false;
        bool forward = false;
        bool input = false;
        for (const ipt::Line& line : tree_.lines) {
            if (line.kind != LineKind::command) continue;
            const ipt::Option& first = tree_.options_of(line).front();
            if (first.key != ipt::key(Base::policy) && first.key != ipt::key(Base::append))
                continue;
            reader_.set_line(line);
            std::string_view chain = reader_.value(first);
            pre |= chain == "PREROUTING";
            post |= chain == "POSTROUTING";
            forward |= chain == "FORWARD";
            input |= chain == "INPUT";
        }
        reader_.set_line(current);
        if (pre || post) {
            if (forward) return "mangle";
            return post || input ? "nat" : "raw";
        }
        return "filter";
    }

    // -- the end
    // ------------------------------------------------------------------------------------------------------

    void order_rules() {
        r_.order.reserve(r_.rules.size());
        for (std::size_t c = 0; c < r_.chains.size(); ++c) {
            Chain& chain = r_.chains[c];
            chain.first_rule = static_cast<std::uint32_t>(r_.order.size());
            chain.rule_count = lists_[c].count;
            for (std::uint32_t i = lists_[c].head; i != no_rule; i = next_[i])
                r_.order.emplace_back(RuleId(i));
        }
    }

    void resolve_targets() {
        for (std::size_t i = 0; i < r_.rules.size(); ++i) {
            Rule& rule = r_.rules[i];
            if (i + lines_ahead < r_.rules.size())
                if (ChainId later = r_.rules[i + lines_ahead].jump; later.valid())
                    __builtin_prefetch(&r_.chains[later.value], 1);
            if (!rule.live) continue;
            if (rule.target == TargetKind::external) resolve(rule);
            if (rule.jump.valid()) forget_missing(rule);
            if (rule.jump.valid()) ++r_.chains[rule.jump.value].references;
        }
    }

    /// A jump to a chain that the file deletes again goes nowhere.
    void forget_missing(Rule& rule) {
        const Chain& c = r_.chain(rule.jump);
        if (c.is_declared || c.rule_count != 0) return;
        rule.target_name = r_.intern(c.name);
        rule.data = rule.target == TargetKind::goto_ ? 1 : 0;
        rule.target = TargetKind::external;
        rule.jump = {};
    }

    void resolve(Rule& rule) {
        ChainId chain = r_.find_chain(r_.chain(rule.chain).table, r_.string(rule.target_name));
        if (!chain.valid() || r_.chain(chain).base) return;
        const Chain& c = r_.chain(chain);
        if (!c.is_declared && c.rule_count == 0) return;
        rule.target = rule.data != 0 ? TargetKind::goto_ : TargetKind::jump;
        rule.jump = chain;
    }

    static constexpr std::size_t no_use = ~std::size_t{0};

    const ipt::SyntaxTree& tree_;
    Ruleset r_;
    LineReader reader_;
    MatchLowering matches_;
    TableId table_;
    ChainId newest_;  ///< the chain that was named last
    std::size_t lines_read_ = 0;
    std::vector<RuleList> lists_;      ///< by chain
    std::vector<std::uint32_t> next_;  ///< by rule
    std::vector<ExtensionUse> uses_;   ///< reused from rule to rule
    std::size_t uses_used_ = 0;
    bool keep_target_texts_ = false;
    StringId target_text_;  ///< of the rule read last
};

Ruleset lower(const ipt::SyntaxTree& tree, const LowerOptions& options) {
    Lowering lowering(tree, options);
    auto commands = std::count_if(tree.lines.begin(), tree.lines.end(), [](const ipt::Line& line) {
        return line.kind == LineKind::command;
    });
    lowering.reserve(static_cast<std::size_t>(commands), tree.options.size());
    lowering.read_new_lines();
    return lowering.finish();
}

GradualLowering::GradualLowering(const ipt::SyntaxTree& tree, const LowerOptions& options)
    : lowering_(std::make_unique<Lowering>(tree, options)) {
    lowering_->reserve(tree.lines.capacity(), tree.options.capacity());
}

GradualLowering::~GradualLowering() = default;

void GradualLowering::read_new_lines() {
    lowering_->read_new_lines();
}

Ruleset GradualLowering::finish() {
    return lowering_->finish();
}

}  // namespace untrack::model
