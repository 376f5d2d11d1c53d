// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/equality.hpp"

#include <algorithm>

namespace untrack::model {
namespace {

bool equal_chains(const Ruleset& a, const Chain& x, const Ruleset& b, const Chain& y) {
    if (x.name != y.name || x.table.value != y.table.value || x.base != y.base ||
        x.is_declared != y.is_declared || x.policy != y.policy || x.role != y.role ||
        x.rule_count != y.rule_count || (x.base && (x.hook != y.hook || x.priority != y.priority)))
        return false;
    auto rules = a.rules_of(x);
    auto others = b.rules_of(y);
    return std::equal(rules.begin(), rules.end(), others.begin(), others.end(),
                      [&](RuleId r, RuleId s) { return equal_rules(a, r, b, s); });
}

}  // namespace

bool equal_rules(const Ruleset& a, RuleId x, const Ruleset& b, RuleId y) {
    const Rule& r = a.rule(x);
    const Rule& s = b.rule(y);
    if (r.target != s.target || r.live != s.live) return false;
    // NOTRACK has two names, and nothing else to say.
    if (r.target != TargetKind::notrack &&
        (a.target_name(r) != b.target_name(s) || a.target_text(x) != b.target_text(y)))
        return false;
    if (r.target == TargetKind::mark) {
        const MarkChange& m = a.marks[r.data];
        const MarkChange& n = b.marks[s.data];
        if (m.keep != n.keep || m.toggle != n.toggle) return false;
    } else if (r.target == TargetKind::connmark && r.data != s.data) {
        return false;
    }
    auto matches = a.matches_of(r);
    auto others = b.matches_of(s);
    return std::equal(matches.begin(), matches.end(), others.begin(), others.end(),
                      [&](const Match& m, const Match& n) { return same_match(a, m, b, n); });
}

bool equal_rulesets(const Ruleset& a, const Ruleset& b) {
    return a.family == b.family && a.rules.size() == b.rules.size() &&
           a.problems.size() == b.problems.size() && a.unfollowed.size() == b.unfollowed.size() &&
           a.conntrack_objects.size() == b.conntrack_objects.size() &&
           std::equal(a.tables.begin(), a.tables.end(), b.tables.begin(), b.tables.end(),
                      [](const Table& x, const Table& y) { return x.name == y.name; }) &&
           std::equal(a.chains.begin(), a.chains.end(), b.chains.begin(), b.chains.end(),
                      [&](const Chain& x, const Chain& y) { return equal_chains(a, x, b, y); });
}

}  // namespace untrack::model
