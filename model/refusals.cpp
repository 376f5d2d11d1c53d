// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/refusals.hpp"

#include <algorithm>
#include <bit>
#include <deque>
#include <fmt/format.h>
#include <utility>

#include "model/iptables_lowering.hpp"
#include "model/names.hpp"
#include "model/refusal_checks.hpp"

namespace untrack::model {
namespace {

using ipt::Base;

constexpr std::string_view family_name(Family family) {
    return family == Family::ip ? "IPv4" : "IPv6";
}

class RefusalSearch {
  public:
    RefusalSearch(const ipt::SyntaxTree& tree, const Ruleset& ruleset, const ChainJumps& jumps)
        : tree_(tree), ruleset_(ruleset), jumps_(jumps) {
        for (const Problem& p : ruleset.problems) problems_.push_back(p.range.begin);
        std::sort(problems_.begin(), problems_.end());
    }

    std::vector<Refusal> run() {
        std::size_t next = 0;
        for (const UnusualUse& unusual : ruleset_.unusual) {
            while (next < ruleset_.rules.size() && ruleset_.rules[next].line < unusual.line) ++next;
            bool is_rule =
                next < ruleset_.rules.size() && ruleset_.rules[next].line == unusual.line;
            rule_ = is_rule ? &ruleset_.rules[next] : nullptr;
            id_ = is_rule ? RuleId(next) : RuleId();
            look_at(unusual);
        }
        return std::move(found_);
    }

  private:
    void look_at(const UnusualUse& unusual) {
        line_ = &tree_.lines[unusual.line];
        line_end_ = line_->begin + static_cast<std::uint32_t>(tree_.content(*line_).size());
        auto problem = std::lower_bound(problems_.begin(), problems_.end(), line_->begin);
        if (problem != problems_.end() && *problem < line_end_) return;
        quoted_.clear();
        auto options =
            std::span(ruleset_.unusual_options).subspan(unusual.first_option, unusual.option_count);
        if (unusual.extension == ipt::no_extension)
            return check_counters(tree_.options[options.front()]);
        use_.extension = unusual.extension;
        use_.family = ruleset_.family;
        use_.base = rule_ != nullptr && ruleset_.chain(rule_->chain).base;
        use_.hooks = rule_ != nullptr ? hooks_of(rule_->chain) : HookBits{0};
        use_.protocol.reset();
        if (unusual.protocol != 0) use_.protocol = unusual.protocol;
        protocol_negated_ = unusual.protocol_negated;
        use_.options.clear();
        bool all = limits_.of(use_.extension).check != SpecialCheck::none;
        for (std::uint32_t index : options) {
            const ipt::Option& option = tree_.options[index];
            bool wanted = all || limits_.option(option.key).value.accepts != nullptr;
            use_.options.push_back(wanted ? read(option) : UsedOption{&option, {}, {}, {}, {}});
        }
        check(use_, ruleset_.table(unusual.table).name);
    }

    UsedOption read(const ipt::Option& option) {
        ipt::OptionWords words(tree_, line_end_, option);
        UsedOption used{&option, {}, {}, words.name(), words.name()};
        ipt::Word word;
        for (unsigned left = option.value_count; left > 0 && words.next(word); --left) {
            used.first = std::exchange(used.value, value_of(word));
            used.value_range = word.range;
            used.range.end = word.range.end;
        }
        return used;
    }

    /// What iptables makes of a word; it lives as long as the line is looked at.
    std::string_view value_of(const ipt::Word& word) {
        if (!word.quoted) return tree_.text.substr(word.range.begin, word.range.size());
        std::string storage;
        std::string_view value = ipt::word_value(tree_.text, word, storage);
        return value.data() == storage.data() ? quoted_.emplace_back(std::move(storage)) : value;
    }

    /// The whole of an option whose value was not asked for.
    [[nodiscard]] TextRange range_of(const UsedOption& o) {
        return o.range.size() != 0 ? o.range : read(*o.option).range;
    }
    /// "-m name" or "-j name"; the first option when -p brought the match.
    [[nodiscard]] TextRange range_of(const UseInLine& use) {
        ipt::ExtensionKind kind = ipt::extensions()[use.extension].kind;
        Base opener = kind == ipt::ExtensionKind::match ? Base::match : Base::jump;
        const ipt::Option* before = use.options.empty() ? nullptr : use.options.front().option;
        TextRange range;
        for (const ipt::Option& option : tree_.options_of(*line_)) {
            if (&option == before) break;
            if (option.key != ipt::key(opener)) continue;
            UsedOption name = read(option);
            if (ipt::find_extension(kind, name.value) == use.extension) range = name.range;
        }
        return range.size() != 0 || before == nullptr ? range : range_of(use.options.front());
    }

    static std::string name(const ipt::Extension& e) {
        return fmt::format("{} {}", e.kind == ipt::ExtensionKind::match ? "-m" : "-j", e.name);
    }

    void say(TextRange range, std::string message) {
        found_.push_back({range, std::move(message), id_});
    }

    void check(UseInLine& use, std::string_view table) {
        const ExtensionLimits& limits = limits_.of(use.extension);
        const ipt::Extension& e = ipt::extensions()[use.extension];
        if (!check_family(use, e) || !limits.known) return;
        // One complaint is enough: the tool stops at the first, too. The place comes last, because
        // only the kernel asks for it.
        if (check_values(use) && check_options(use, limits, e) && check_check(use, limits))
            check_place(use, limits, e, table);
    }

    bool check_family(const UseInLine& use, const ipt::Extension& e) {
        ipt::Families other = use.family == Family::ip ? ipt::Families::ip6 : ipt::Families::ip;
        // UT512 speaks of the other family's ICMP.
        if (e.families != other || e.name == "icmp" || e.name == "icmp6") return true;
        say(range_of(use),
            fmt::format("iptables 1.8.9 has no `{}' for {}", name(e), family_name(use.family)));
        return false;
    }

    bool check_values(const UseInLine& use) {
        bool good = true;
        for (const UsedOption& o : use.options) {
            const OptionLimits& option = limits_.option(o.option->key);
            if (option.gone) {
                say(range_of(o), fmt::format("iptables 1.8.9 refuses `{}': kernels have not had it "
                                             "since 2.6.28",
                                             o.name()));
                good = false;
            } else if (option.value.accepts != nullptr && o.option->value_count > 0 &&
                       !option.value.accepts(option.value, use.family, o.value)) {
                say(o.value_range, fmt::format("iptables 1.8.9 refuses `{}' for `{}': expected {}",
                                               o.value, o.name(), expectation(option.value)));
                good = false;
            }
        }
        return good;
    }

    bool check_options(const UseInLine& use, const ExtensionLimits& limits,
                       const ipt::Extension& e) {
        auto bit = [&](const UsedOption& o) {
            return OptionBits{1} << (o.option->key - e.first_option);
        };
        auto first = [&](OptionBits bits) {
            return ipt::option_info(
                       static_cast<ipt::OptionKey>(e.first_option + std::countr_zero(bits)))
                .name;
        };
        OptionBits seen = 0;
        for (const UsedOption& o : use.options) {
            if ((seen & bit(o) & ~limits.repeatable) != 0) {
                say(range_of(o), fmt::format("iptables 1.8.9 refuses a second `{}' for one `{}'",
                                             o.name(), name(e)));
                return false;
            }
            for (const Limit& limit : limits.limits) {
                if (limit.kind != LimitKind::exclude || (limit.options & bit(o)) == 0 ||
                    (limit.options & seen) == 0)
                    continue;
                say(range_of(o), fmt::format("iptables 1.8.9 refuses `{}' beside `{}'", o.name(),
                                             first(limit.options & seen)));
                return false;
            }
            seen |= bit(o);
        }
        for (const Limit& limit : limits.limits) {
            if (limit.kind == LimitKind::needs_one && (limit.options & seen) == 0) {
                say(range_of(use), fmt::format("iptables 1.8.9 refuses `{}' without {}", name(e),
                                               names(limit.options, e)));
                return false;
            }
            if (limit.kind == LimitKind::with && (limit.others & seen) != 0 &&
                (limit.options & seen) == 0) {
                std::string_view lonely = first(limit.others);
                say(range_of(*use.find(lonely)),
                    fmt::format("iptables 1.8.9 refuses `{}' without {}", lonely,
                                names(limit.options, e)));
                return false;
            }
        }
        return true;
    }

    /// "`--string' or `--hex-string'"; the first three of many.
    static std::string names(OptionBits bits, const ipt::Extension& e) {
        std::string out;
        for (unsigned count = 0; bits != 0; ++count, bits &= bits - 1) {
            if (count == 3) return out + ", ...";
            bool last = std::has_single_bit(bits);
            out += fmt::format("{}`{}'",
                               count == 0 ? ""
                               : last     ? " or "
                                          : ", ",
                               ipt::option_info(static_cast<ipt::OptionKey>(e.first_option +
                                                                            std::countr_zero(bits)))
                                   .name);
        }
        return out;
    }

    bool check_check(const UseInLine& use, const ExtensionLimits& limits) {
        auto complaint = check_specially(limits.check, use);
        if (complaint) say(complaint->range, std::move(complaint->message));
        return !complaint;
    }

    void check_place(const UseInLine& use, const ExtensionLimits& limits, const ipt::Extension& e,
                     std::string_view table) {
        ProtocolBits wanted = limits.protocols;
        if (wanted == ah_in_v4) wanted = use.family == Family::ip ? protocol_bit(51) : any_protocol;
        if (wanted != any_protocol &&
            (!use.protocol || (wanted & protocol_bit(*use.protocol)) == 0))
            return say(range_of(use), fmt::format("the kernel refuses `{}' without -p {}", name(e),
                                                  protocol_names(wanted)));
        // The others compare the number alone.
        static const ipt::ExtensionId multiport =
            ipt::find_extension(ipt::ExtensionKind::match, "multiport");
        if (protocol_negated_ && use.extension == multiport)
            return say(range_of(use),
                       fmt::format("iptables 1.8.9 refuses `{}' beside a negated -p", name(e)));
        std::uint8_t here = table_bit(table);
        // UT208 speaks of NOTRACK in other tables.
        bool notrack = rule_ != nullptr && rule_->target == TargetKind::notrack;
        if ((here & limits.tables) == 0 && !notrack)
            return say(range_of(use),
                       fmt::format("the kernel refuses `{}' in table {}: it belongs into table {}",
                                   name(e), table, table_names(limits.tables)));
        if (HookBits wrong = use.hooks & static_cast<HookBits>(~limits.hooks); wrong != 0)
            return say_hooks(range_of(use), name(e), wrong, limits.hooks);
        if (!use.base) return;
        for (const UsedOption& o : use.options) {
            HookBits hooks = limits_.option(o.option->key).hooks;
            if (HookBits wrong = use.hooks & static_cast<HookBits>(~hooks); wrong != 0)
                return say_hooks(range_of(o), o.name(), wrong, hooks);
        }
    }

    void say_hooks(TextRange range, std::string_view what, HookBits wrong, HookBits right) {
        bool base = ruleset_.chain(rule_->chain).base;
        say(range, fmt::format("the kernel refuses `{}' {} {}: it may stand in {}", what,
                               base ? "in" : "in a chain that is reached from", hook_names(wrong),
                               hook_names(right)));
    }

    /// "-c packets bytes" or "-c packets,bytes"; what follows the digits is not looked at.
    void check_counters(const ipt::Option& option) {
        auto numeric = [](std::string_view s) {
            std::size_t at = s.find_first_not_of(" \t");
            if (at == std::string_view::npos) return false;
            if (s[at] == '+' || s[at] == '-') ++at;
            return at < s.size() && s[at] >= '0' && s[at] <= '9';
        };
        UsedOption counters = read(option);
        std::string_view first = option.value_count > 1 ? counters.first : counters.value;
        std::string_view second = counters.value;
        std::size_t comma = first.find(',', 1);
        bool whole = option.value_count > 1 || comma != std::string_view::npos;
        if (comma != std::string_view::npos) second = first.substr(comma + 1);
        if (whole && numeric(first) && numeric(second)) return;
        say(counters.range,
            "iptables 1.8.9 refuses these counters: expected a number of packets and one of "
            "bytes");
    }

    /// The hooks from which a chain is reached; none for a chain that nothing reaches.
    HookBits hooks_of(ChainId id) {
        const Chain& chain = ruleset_.chain(id);
        if (chain.base) return hook_bit(chain.hook);
        if (reached_.empty()) find_hooks();
        return reached_[id.value];
    }

    void find_hooks() {
        reached_.resize(ruleset_.chains.size());
        for (std::size_t i = 0; i < ruleset_.chains.size(); ++i)
            if (ruleset_.chains[i].base) reached_[i] = hook_bit(ruleset_.chains[i].hook);
        std::vector<ChainId> changed;
        for (std::size_t i = 0; i < ruleset_.chains.size(); ++i)
            if (reached_[i] != 0) changed.emplace_back(i);
        while (!changed.empty()) {
            ChainId from = changed.back();
            changed.pop_back();
            for (const Jump& jump : jumps_.of(from)) {
                HookBits& to = reached_[jump.to.value];
                auto all = static_cast<HookBits>(to | reached_[from.value]);
                if (all == to) continue;
                to = all;
                changed.push_back(jump.to);
            }
        }
    }

    const ipt::SyntaxTree& tree_;
    const Ruleset& ruleset_;
    const ChainJumps& jumps_;
    const LimitTable& limits_ = LimitTable::get();
    std::vector<std::uint32_t> problems_;  ///< where the problems begin
    std::vector<HookBits> reached_;        ///< by chain; made when it is needed
    std::vector<Refusal> found_;

    // Of the use at hand.
    const Rule* rule_ = nullptr;
    RuleId id_;
    const ipt::Line* line_ = nullptr;
    std::uint32_t line_end_ = 0;
    UseInLine use_;
    std::deque<std::string> quoted_;  ///< values that are not their bytes
    bool protocol_negated_ = false;
};

}  // namespace

void note_unusual(std::span<const ExtensionUse> uses, const ipt::SyntaxTree& tree, TableId table,
                  const Rule& rule, Ruleset& ruleset) {
    const LimitTable& limits = LimitTable::get();
    const Chain& chain = ruleset.chain(rule.chain);
    std::uint8_t protocol = 0;
    bool protocol_negated = false;
    for (const Match& m : ruleset.matches_of(rule)) {
        if (m.kind != MatchKind::protocol) continue;
        protocol = m.payload.number;
        protocol_negated = m.negated;
        break;
    }
    ipt::Families other = ruleset.family == Family::ip ? ipt::Families::ip6 : ipt::Families::ip;
    auto is_plain = [&](const ExtensionUse& use, const QuickLook& quick) {
        if (quick.families == other || (quick.needs_option && use.options.empty())) return false;
        std::uint32_t seen = 1;  // number 0 always looks closer
        for (const ipt::Option* option : use.options) {
            std::uint32_t bit = std::uint32_t{1} << limits.quick_number(option->key);
            if ((seen & bit) != 0) return false;
            seen |= bit;
        }
        if (quick.protocols != any_protocol &&
            (protocol_negated || (quick.protocols & protocol_bit(protocol)) == 0))
            return false;
        if (quick.tables != anywhere &&
            (quick.tables & table_bit(ruleset.table(chain.table).name)) == 0)
            return false;
        return quick.hooks == all_hooks ||
               (chain.base && (quick.hooks & hook_bit(chain.hook)) != 0);
    };
    for (const ExtensionUse& use : uses) {
        if (use.extension == ipt::no_extension) continue;
        const QuickLook& quick = limits.quick(use.extension);
        // A chain hides a target of the same name.
        if ((quick.is_target && rule.jump.valid()) || is_plain(use, quick)) continue;
        UnusualUse unusual{rule.line,
                           table,
                           static_cast<std::uint32_t>(ruleset.unusual_options.size()),
                           static_cast<std::uint16_t>(use.options.size()),
                           use.extension,
                           protocol,
                           protocol_negated};
        for (const ipt::Option* option : use.options)
            ruleset.unusual_options.push_back(
                static_cast<std::uint32_t>(option - tree.options.data()));
        ruleset.unusual.push_back(unusual);
    }
}

std::vector<Refusal> refusals(const ipt::SyntaxTree& tree, const Ruleset& ruleset,
                              const ChainJumps& jumps) {
    return RefusalSearch(tree, ruleset, jumps).run();
}

}  // namespace untrack::model
