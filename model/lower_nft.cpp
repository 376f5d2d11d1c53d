// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/lower_nft.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>

#include "model/nft_devices.hpp"
#include "model/nft_rules.hpp"

namespace untrack::model {
namespace {

using nft::Kind;
using nft::Node;
using nft::Verb;

bool of_device(Hook hook) {
    return hook == Hook::ingress || hook == Hook::egress;
}

/// The hooks that a family has, by nft's names; a bridge's are those of the devices of a host:
/// what it forwards does not come to the host.
std::optional<Hook> hook_of(nft::Family family, std::string_view word) {
    auto hook = nft_hook(word);
    switch (family) {
        case nft::Family::netdev:
            return hook && of_device(*hook) ? hook : std::nullopt;
        case nft::Family::inet:
            return hook == Hook::egress ? std::nullopt : hook;
        case nft::Family::bridge:
            if (!hook || of_device(*hook)) return std::nullopt;
            return hook == Hook::output || hook == Hook::postrouting ? Hook::egress : Hook::ingress;
        default:
            return hook && of_device(*hook) ? std::nullopt : hook;
    }
}

ChainRole role_of(const Chain& base, std::string_view type) {
    if (base.hook == Hook::ingress) return ChainRole::raw;
    if (base.hook == Hook::egress) return ChainRole::mangle;
    bool first = base.hook == Hook::prerouting || base.hook == Hook::output;
    if (type == "nat") return ChainRole::nat;
    if (first && base.priority < priority_conntrack) return ChainRole::raw;
    bool routed = base.hook == Hook::input || base.hook == Hook::forward ||
                  (base.hook == Hook::output && type != "route");
    return routed ? ChainRole::filter : ChainRole::mangle;
}

class NftLowering {
  public:
    NftLowering(const nft::SyntaxTree& tree, const LowerOptions& options)
        : tree_(tree),
          target_texts_(options.target_texts),
          scope_(tree),
          rules_(r_, scope_, options.target_texts,
                 [this](ChainId like) { return own_chain(like); }) {
        r_.family = options.family;
        r_.language = Language::nft;
        r_.path = options.path;
        r_.text = tree.text;
    }

    Ruleset run() {
        file(tree_.root());
        for (auto& [key, table] : tables_)
            if (table.there) lower_table(table);
        finish();
        return std::move(r_);
    }

  private:
    using TableKey = std::pair<nft::Family, std::string_view>;

    std::string_view text(const Node& node) const { return scope_.text(scope_.resolved(node)); }
    void problem(const Node& node, std::string message) {
        r_.problems.push_back({node.range(), std::move(message)});
    }
    void unfollowed(TextRange range, std::string message) {
        r_.unfollowed.push_back({range, std::move(message)});
    }
    [[nodiscard]] static bool sees_other_frames(nft::Family family) {
        return family == nft::Family::netdev || family == nft::Family::bridge;
    }
    [[nodiscard]] bool seen(nft::Family family) const {
        return family == nft::Family::inet || sees_other_frames(family) ||
               family == (r_.family == Family::ip ? nft::Family::ip : nft::Family::ip6);
    }

    /// Packets of this ruleset's family meet nothing there, nor does what stands there say anything
    /// of them: the family's own tables alone are gone through.
    [[nodiscard]] bool of_other_family(nft::Family family) const {
        return !seen(family) && (family == nft::Family::ip || family == nft::Family::ip6);
    }

    // -- commands
    // ---------------------------------------------------------------------------------------------

    void file(const Node& root) {
        for (const Node& n : nft::children(root)) {
            if (n.kind == Kind::command)
                command(n);
            else
                anywhere(n, [&](const Node& included) { file(included); });
        }
    }

    /// What may stand in any block. `goes_on` reads what an included file says in its place.
    template <typename GoesOn>
    void anywhere(const Node& n, GoesOn goes_on) {
        if (n.kind != Kind::include) return anywhere(n);
        const nft::Inclusion* inclusion = tree_.inclusion(n);
        if (inclusion == nullptr || !inclusion->unread.empty())
            unfollowed(n.range(), inclusion == nullptr
                                      ? "what this includes is not read with it: give what `nft "
                                        "list ruleset' prints, which has all of it"
                                      : inclusion->unread);
        if (inclusion == nullptr) return;
        for (std::uint32_t i : inclusion->files) goes_on(tree_.nodes[tree_.included[i].root]);
    }

    void anywhere(const Node& n) {
        switch (n.kind) {
            case Kind::define: {
                const Node* name = nft::child(n, std::size_t{0});
                const Node* value = nft::child(n, std::size_t{1});
                if (name != nullptr && value != nullptr) scope_.define(scope_.text(*name), value);
                break;
            }
            case Kind::undefine:
                if (const Node* name = nft::child(n, std::size_t{0}))
                    scope_.undefine(scope_.text(*name));
                break;
            default:
                break;
        }
    }

    void command(const Node& n) {
        const Node* object = nft::child(n, std::size_t{0});
        if (object == nullptr) return;
        switch (n.as<Verb>()) {
            case Verb::none:
            case Verb::add:
            case Verb::create:
                return add(*object, false);
            case Verb::insert:
                return add(*object, true);
            case Verb::flush:
                return flush(*object);
            case Verb::delete_:
            case Verb::destroy:
                return remove(*object);
            case Verb::replace:
            case Verb::rename:
            case Verb::import:
                unfollowed(n.range(), "what this command changes is not followed");
                return;
            default:  // list, reset, get, monitor, ...: nothing changes that rules ask
                return;
        }
    }

    struct Reference {
        nft::Family family = nft::Family::ip;
        const Node* table = nullptr;
        const Node* name = nullptr;
        bool by_handle = false;
    };
    Reference reference(const Node& object) {
        Reference out;
        for (const Node& n : nft::children(object)) {
            if (n.kind == Kind::family) {
                out.family = n.as<nft::Family>();
                if (out.family == nft::Family::none) out.family = nft::Family::ip;
            } else if (n.kind == Kind::table_name) {
                out.table = &n;
            } else if (n.kind == Kind::name || n.kind == Kind::chain_name) {
                out.name = &n;
                break;
            } else if (n.kind == Kind::handle) {
                out.by_handle = true;
                break;
            } else {
                break;
            }
        }
        return out;
    }

    NftTable& table(nft::Family family, std::string_view name, TextRange declared) {
        auto [it, added] = tables_.try_emplace(TableKey{family, name});
        NftTable& t = it->second;
        if (added || !t.there) {
            t = {};
            t.family = family;
            Table model;
            static constexpr std::string_view families[] = {"",    "ip",     "ip6",   "inet",
                                                            "arp", "bridge", "netdev"};
            model.name = r_.string(
                r_.intern(fmt::format("{} {}", families[static_cast<std::size_t>(family)], name)));
            model.family = r_.family;
            model.other_frames = sees_other_frames(family);
            model.declared = declared;
            t.id = TableId(r_.tables.size());
            r_.tables.push_back(model);
        }
        return t;
    }
    /// The table that a command names; none, with a problem, when it was not made before.
    NftTable* table_of(const Node& object, const Reference& ref) {
        if (ref.table == nullptr) return nullptr;
        auto it = tables_.find({ref.family, text(*ref.table)});
        if (it != tables_.end() && it->second.there) return &it->second;
        // A fragment for a table that is loaded already.
        return &table(ref.family, text(*ref.table), object.range());
    }

    void add(const Node& object, bool insert) {
        Reference ref = reference(object);
        if (of_other_family(ref.family)) return;
        switch (object.kind) {
            case Kind::table: {
                if (ref.name == nullptr) return;
                NftTable& t = table(ref.family, text(*ref.name), ref.name->range());
                return table_block(object, t);
            }
            case Kind::chain:
                if (NftTable* t = table_of(object, ref)) chain_block(object, *t);
                return;
            case Kind::set:
                if (NftTable* t = table_of(object, ref)) set_block(object, *t);
                return;
            case Kind::rule:
                return add_rule(object, insert);
            case Kind::elements_command: {
                NftTable* t = table_of(object, ref);
                if (t == nullptr || ref.name == nullptr) return;
                NftSet& set = t->sets[text(*ref.name)];
                if (const Node* elements = nft::child(object, Kind::elements))
                    if (const Node* body = nft::child(*elements, std::size_t{0}))
                        set.bodies.push_back(body);
                return;
            }
            case Kind::object:
                if (NftTable* t = table_of(object, ref)) t->objects.push_back(&object);
                return;
            case Kind::flowtable:
            default:
                return;
        }
    }

    void table_block(const Node& block, NftTable& t) {
        for (const Node& n : nft::children(block)) {
            switch (n.kind) {
                case Kind::chain:
                    chain_block(n, t);
                    break;
                case Kind::set:
                    set_block(n, t);
                    break;
                case Kind::object:
                    t.objects.push_back(&n);
                    break;
                case Kind::table_flags:
                    for (const Node& flag : nft::children(n))
                        t.dormant = t.dormant || text(flag) == "dormant";
                    break;
                default:
                    anywhere(n, [&](const Node& included) { table_block(included, t); });
                    break;
            }
        }
    }

    void set_block(const Node& block, NftTable& t) {
        Reference ref = reference(block);
        if (ref.name == nullptr) return;
        NftSet& set = t.sets[text(*ref.name)];
        if (set.declared == nullptr) set.declared = &block;
        set_body(block, set);
    }

    void set_body(const Node& block, NftSet& set) {
        for (const Node& n : nft::children(block)) {
            if (n.kind == Kind::elements) {
                if (const Node* body = nft::child(n, std::size_t{0})) set.bodies.push_back(body);
            } else if (n.kind == Kind::set_flags) {
                for (const Node& flag : nft::children(n))
                    set.changes = set.changes || text(flag) == "dynamic" || text(flag) == "timeout";
            } else if (n.kind == Kind::timeout) {
                set.changes = true;
            } else if (n.kind == Kind::connlimit) {
                set.counts = true;
            } else {
                anywhere(n, [&](const Node& included) { set_body(included, set); });
            }
        }
    }

    ChainId chain(NftTable& t, std::string_view name, TextRange declared) {
        ChainId id = r_.find_chain(t.id, name);
        if (id.valid() && chains_[id.value].there) return id;
        Chain c;
        c.name = name;
        c.table = t.id;
        c.declared = declared;
        c.is_declared = !declared.empty();
        if (id.valid()) {
            r_.chains[id.value] = c;
        } else {
            id = r_.add_chain(c);
            t.chains.push_back(id);
            chains_.emplace_back();
        }
        chains_[id.value].there = true;
        return id;
    }
    std::vector<const Node*>& rules_of(ChainId id) { return chains_[id.value].rules; }
    void take_away(ChainId id) {
        r_.chains[id.value].base = false;
        r_.chains[id.value].is_declared = false;
        chains_[id.value] = {};
    }

    void chain_block(const Node& block, NftTable& t) {
        Reference ref = reference(block);
        if (ref.name == nullptr) return;
        chain_body(block, t, chain(t, text(*ref.name), ref.name->range()));
    }

    void chain_body(const Node& block, NftTable& t, ChainId c) {
        for (const Node& n : nft::children(block)) {
            switch (n.kind) {
                case Kind::hook:
                    hook(n, t, c);
                    break;
                case Kind::policy:
                    if (const Node* word = nft::child(n, std::size_t{0})) policy(*word, c);
                    break;
                case Kind::device:
                case Kind::devices:
                    devices(n, chains_[c.value]);
                    break;
                case Kind::rule:
                    rules_of(c).push_back(&n);
                    break;
                default:
                    anywhere(n, [&](const Node& included) { chain_body(included, t, c); });
                    break;
            }
        }
    }

    void policy(const Node& word, ChainId c) {
        std::string_view name = text(word);
        Chain& chain = r_.chains[c.value];
        if (name == "accept")
            chain.policy = TargetKind::accept;
        else if (name == "drop")
            chain.policy = TargetKind::drop;
        else
            problem(word, fmt::format("`{}' is no policy: expected accept or drop", name));
    }

    void hook(const Node& n, const NftTable& t, ChainId c) {
        Chain& chain = r_.chains[c.value];
        std::size_t word = 0;
        std::string_view type = "filter";
        if (n.has(nft::flag::has_type)) type = text(*nft::child(n, word++));
        const Node* name = nft::child(n, word);
        if (name == nullptr || !seen(t.family)) return;
        auto hook = hook_of(t.family, text(*name));
        if (!hook) {
            problem(*name, fmt::format("`{}' is no hook of this family", text(*name)));
            return;
        }
        NftChain& replayed = chains_[c.value];
        replayed.hook = &n;
        for (const Node& child : nft::children(n))
            if (child.kind == Kind::device || child.kind == Kind::devices) devices(child, replayed);
        chain.hook = *hook;
        chain.base = true;
        if (const Node* priority = nft::child(n, Kind::priority))
            chain.priority = number(*priority, t.family);
        chain.role = role_of(chain, type);
    }

    void devices(const Node& n, NftChain& c) {
        auto read = nft_devices(scope_, n);
        c.devices_read = c.devices_read && read;
        if (read) c.devices.insert(c.devices.end(), read->begin(), read->end());
    }

    std::int32_t number(const Node& priority, nft::Family family) {
        auto value = [&](const Node& which) -> std::int32_t {
            const Node& node = scope_.resolved(which);
            // A variable may hold "filter - 10" as one string.
            std::string_view s = scope_.text(node);
            if (node.kind == Kind::minus) s = scope_.text(*nft::child(node, std::size_t{0}));
            std::int32_t sign = node.kind == Kind::minus ? -1 : 1;
            std::string_view word = s.substr(0, s.find(' '));
            if (auto named = family == nft::Family::bridge ? nft_bridge_priority(word)
                                                           : nft_priority(word)) {
                std::size_t digits = s.find_first_of("0123456789");
                std::int32_t offset = 0;
                if (digits != std::string_view::npos) {
                    std::from_chars(s.data() + digits, s.data() + s.size(), offset);
                    if (s.find('-') != std::string_view::npos) offset = -offset;
                }
                return *named + offset;
            }
            std::int32_t n = 0;
            auto read = std::from_chars(s.data(), s.data() + s.size(), n);
            bool whole = read.ec == std::errc() && read.ptr == s.data() + s.size();
            if (!whole && seen(family)) problem(which, fmt::format("`{}' is no priority", s));
            return sign * n;
        };
        const Node* base = nft::child(priority, std::size_t{0});
        const Node* offset = nft::child(priority, std::size_t{1});
        std::int32_t sign = priority.as<nft::Sign>() == nft::Sign::minus ? -1 : 1;
        if (base == nullptr) return 0;
        return offset == nullptr ? sign * value(*base) : value(*base) + sign * value(*offset);
    }

    [[nodiscard]] std::uint32_t index(const Node& node) const {
        return static_cast<std::uint32_t>(&node - tree_.nodes.data());
    }

    void add_rule(const Node& rule, bool insert) {
        Reference ref = reference(rule);
        NftTable* t = table_of(rule, ref);
        if (t == nullptr || ref.name == nullptr) return;
        std::vector<const Node*>& rules = rules_of(chain(*t, text(*ref.name), {}));
        std::size_t at = insert ? 0 : rules.size();
        if (const Node* position = nft::child(rule, Kind::position)) {
            const Node* n = nft::child(*position, std::size_t{0});
            std::uint32_t i = 0;
            if (n != nullptr) {
                std::string_view digits = scope_.text(*n);
                std::from_chars(digits.data(), digits.data() + digits.size(), i);
            }
            if (position->as<nft::Position>() != nft::Position::index || i >= rules.size()) {
                unfollowed(rule.range(),
                           "where this rule comes to stand is not known: it is named "
                           "by the handle of a rule that is loaded already");
                return;
            }
            at = insert ? i : i + 1;
        }
        rules.insert(rules.begin() + static_cast<std::ptrdiff_t>(at), &rule);
    }

    void flush(const Node& object) {
        Reference ref = reference(object);
        if (object.kind == Kind::ruleset) {
            const Node* family = nft::child(object, Kind::family);
            for (auto& [key, t] : tables_)
                if (family == nullptr || key.first == family->as<nft::Family>()) forget(t);
        } else if (object.kind == Kind::table && ref.name != nullptr) {
            auto it = tables_.find({ref.family, text(*ref.name)});
            if (it != tables_.end())
                for (ChainId id : it->second.chains) rules_of(id).clear();
        } else if (object.kind == Kind::chain && ref.name != nullptr) {
            if (NftTable* t = table_of(object, ref))
                rules_of(chain(*t, text(*ref.name), {})).clear();
        } else if (object.kind == Kind::set && ref.name != nullptr) {
            if (NftTable* t = table_of(object, ref)) t->sets[text(*ref.name)].bodies.clear();
        }
    }

    void forget(NftTable& t) {
        t.there = false;
        for (ChainId id : t.chains) take_away(id);
        t.chains.clear();
        t.sets.clear();
        t.objects.clear();
    }

    void remove(const Node& object) {
        Reference ref = reference(object);
        if (of_other_family(ref.family)) return;
        if (ref.by_handle || (ref.name == nullptr && object.kind != Kind::rule)) {
            unfollowed(object.range(), "what this command takes away is not followed");
            return;
        }
        if (object.kind == Kind::table) {
            auto it = tables_.find({ref.family, text(*ref.name)});
            if (it != tables_.end()) forget(it->second);
        } else if (object.kind == Kind::chain) {
            if (NftTable* t = table_of(object, ref)) {
                ChainId id = r_.find_chain(t->id, text(*ref.name));
                if (id.valid()) take_away(id);
            }
        } else if (object.kind == Kind::set) {
            if (NftTable* t = table_of(object, ref)) t->sets.erase(text(*ref.name));
        } else {
            unfollowed(object.range(), "what this command takes away is not followed");
        }
    }

    // -- from the tables to the ruleset
    // ---------------------------------------------------------------------------------------------

    /// For the rest of a rule.
    ChainId own_chain(ChainId like) {
        Chain c;
        c.table = r_.chain(like).table;
        c.role = r_.chain(like).role;
        c.name = r_.string(r_.intern(fmt::format("{} ({})", r_.chain(like).name, ++own_chains_)));
        c.is_declared = true;
        return r_.add_chain(c);
    }

    void lower_table(NftTable& t) {
        if (!seen(t.family)) {
            for (ChainId id : t.chains) r_.chains[id.value].base = false;
            return;
        }
        for (const Node* object : t.objects) switch (object->as<nft::ObjectKind>()) {
                case nft::ObjectKind::ct_helper:
                case nft::ObjectKind::ct_timeout:
                case nft::ObjectKind::ct_expectation:
                case nft::ObjectKind::synproxy:
                    r_.conntrack_objects.push_back({t.id, object->range()});
                    break;
                default:
                    break;
            }
        for (auto& [name, set] : t.sets)
            if (set.counts) r_.conntrack_objects.push_back({t.id, set.declared->range()});
        if (!t.sets.empty())
            for (ChainId id : t.chains)
                for (const Node* rule : rules_of(id)) note_updates(*rule, t);
        give_roles(t);
        scope_.set_table(&t.sets);
        for (ChainId id : t.chains) {
            if (t.dormant) r_.chains[id.value].base = false;
            const Chain& chain = r_.chain(id);
            if (chain.base && of_device(chain.hook))
                enter_by_device({r_, scope_, placed_, target_texts_, t, chains_}, id);
            for (const Node* rule : rules_of(id)) rules_.lower(*rule, index(*rule), id, placed_);
        }
        scope_.set_table(nullptr);
    }

    /// Chains that are no base chains have the role of those that are, if it is one.
    void give_roles(const NftTable& t) {
        ChainRole all = ChainRole::none;
        bool one = true;
        for (ChainId id : t.chains) {
            const Chain& chain = r_.chain(id);
            if (!chain.base) continue;
            one = one && (all == ChainRole::none || all == chain.role);
            all = chain.role;
        }
        for (ChainId id : t.chains) {
            Chain& chain = r_.chains[id.value];
            if (!chain.base && one) chain.role = all;
        }
    }

    /// Sets that rules add to have other elements than the file says.
    void note_updates(const Node& rule, NftTable& t) {
        for (const Node* n = &rule; n != &rule + rule.size; ++n) {
            if (n->kind != Kind::set_update) continue;
            if (const Node* set = nft::child(*n, Kind::set_ref)) {
                auto it = t.sets.find(text(*set));
                if (it != t.sets.end()) it->second.changes = true;
            }
        }
    }

    void finish() {
        // By chain, and in each as they were placed.
        std::vector<std::uint32_t> next(r_.chains.size() + 1);
        for (const NftRules::Placed& p : placed_) ++next[p.chain.value + 1];
        for (std::size_t i = 0; i < r_.chains.size(); ++i) {
            r_.chains[i].rule_count = next[i + 1];
            next[i + 1] += next[i];
            r_.chains[i].first_rule = next[i];
        }
        r_.order.resize(placed_.size());
        for (const NftRules::Placed& p : placed_) r_.order[next[p.chain.value]++] = p.rule;
    }

    const nft::SyntaxTree& tree_;
    bool target_texts_;
    Ruleset r_;
    NftScope scope_;
    NftRules rules_;
    std::map<TableKey, NftTable> tables_;
    std::vector<NftChain> chains_;  ///< by ChainId; none of rules' own chains
    std::vector<NftRules::Placed> placed_;
    std::uint32_t own_chains_ = 0;
};

}  // namespace

Ruleset lower(const nft::SyntaxTree& tree, const LowerOptions& options) {
    return NftLowering(tree, options).run();
}

}  // namespace untrack::model
