// SPDX-License-Identifier: GPL-2.0-or-later
// What holds for any file and any ruleset.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "model/conntrack_facts.hpp"
#include "packet/trace.hpp"
#include "rewriter/rewrite.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;

namespace {

/// Pieces that make lines which are nearly right more often than not.
rc::Gen<std::string> any_text() {
    auto piece = rc::gen::element<std::string>(
        "*filter\n", ":INPUT DROP [0:0]\n", "COMMIT\n", "-A INPUT ", "-m state --state NEW ",
        "-p tcp ", "--dport ", "80 ", "! ", "-j ACCEPT\n", "\"", "\\", "\r\n", "\n", "# x\n",
        "[1:2] ", "-s 10.0.0.0/8 ", "-D INPUT 1\n", "\t", std::string(1, '\0'), "\xff", "-X\n",
        "-N chain\n", "--", "-");
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                        [](const std::vector<std::string>& pieces) {
                            std::string text;
                            for (const std::string& p : pieces) text += p;
                            return text;
                        });
}

rc::Gen<std::string> any_rule() {
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange(0, 4), rc::gen::inRange(0, 6), rc::gen::inRange(0, 5),
                       rc::gen::inRange(0, 5)),
        [](const std::tuple<int, int, int, int>& n) {
            static const char* const who[] = {"", "-s 10.1.0.0/16 ", "-i eth0 ",
                                              "! -s 192.0.2.0/24 "};
            static const char* const what[] = {"",
                                               "-p tcp --dport 80 ",
                                               "-p tcp --dport 22 ",
                                               "-p udp --dport 53 ",
                                               "-p tcp -m multiport --dports 80,443 ",
                                               "-p icmp "};
            static const char* const state[] = {
                "", "-m conntrack --ctstate NEW ", "-m state --state RELATED,ESTABLISHED ",
                "-m conntrack --ctstate INVALID ", "-m limit --limit 9/s "};
            static const char* const then[] = {"-j ACCEPT", "-j DROP", "-j ACCEPT", "-j REJECT",
                                               "-j LOG"};
            return fmt::format("-A INPUT {}{}{}{}\n", who[std::get<0>(n)], what[std::get<1>(n)],
                               state[std::get<2>(n)], then[std::get<3>(n)]);
        });
}

std::string ruleset(const std::vector<std::string>& rules, bool drop) {
    std::string text =
        fmt::format("*filter\n:INPUT {} [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n",
                    drop ? "DROP" : "ACCEPT");
    for (const std::string& rule : rules) text += rule;
    return text + "COMMIT\n";
}

}  // namespace

TEST(AnyFile, PrintedIsTheFile) {
    EXPECT_TRUE(rc::check([] {
        std::string text = *any_text();
        parser::iptables::SyntaxTree tree = parser::iptables::parse(text);
        RC_ASSERT(parser::iptables::print(tree) == text);
        model::Ruleset r = model::lower(tree, {model::Family::ip, "any"});
        RC_ASSERT(r.rules.size() <= tree.lines.size());
    }));
}

TEST(AnyRuleset, ARewriteOnlyInsertsAndIsStable) {
    int rewritten = 0;
    EXPECT_TRUE(rc::check([&] {
        auto rules = *rc::gen::container<std::vector<std::string>>(any_rule());
        test::Loaded before(ruleset(rules, *rc::gen::arbitrary<bool>()));
        rewriter::Request request;
        request.services.push_back(rewriter::parse_service("80/tcp").value());
        rewriter::Outcome outcome = rewriter::rewrite(before.tree, before.ruleset, request);
        RC_ASSERT((outcome.status == rewriter::Status::rewritten) == !outcome.edits.empty());
        RC_ASSERT((outcome.status == rewriter::Status::refused) == !outcome.reasons.empty());
        if (outcome.status != rewriter::Status::rewritten) return;
        ++rewritten;
        for (const TextEdit& e : outcome.edits) RC_ASSERT(e.range.empty());
        test::Loaded after(apply_edits(before.file.text(), outcome.edits));
        RC_ASSERT(after.tree.errors.empty() && after.ruleset.problems.empty());
        RC_ASSERT(rewriter::rewrite(after.tree, after.ruleset, request).status ==
                  rewriter::Status::unchanged);
        // Another port is treated as before, whatever its state.
        const model::Ruleset* old_host[] = {&before.ruleset};
        const model::Ruleset* new_host[] = {&after.ruleset};
        packet::Tracer old_rules(old_host);
        packet::Tracer new_rules(new_host);
        packet::Packet p;
        p.in_interface = "eth0";
        p.source = {{10, 1, 2, 3}};
        p.destination = {{192, 0, 2, 1}};
        p.source_port = 40000;
        p.destination_port = *rc::gen::element<std::uint16_t>(22, 443, 53);
        p.tcp_flags = packet::tcp_syn;
        p.state =
            *rc::gen::element(packet::ConntrackState::new_, packet::ConntrackState::established,
                              packet::ConntrackState::invalid);
        RC_ASSERT(old_rules.trace(p).verdict == new_rules.trace(p).verdict);
    }));
    EXPECT_GT(rewritten, 3) << "rulesets that can be rewritten must come up";
}
