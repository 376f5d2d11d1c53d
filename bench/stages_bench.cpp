// SPDX-License-Identifier: GPL-2.0-or-later
// What each stage of lint and rewrite costs for a rule, in time and in memory, where scripts/bench
// sees whole processes only.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "analyzer/driver.hpp"
#include "bench/generate.hpp"
#include "model/iptables_text.hpp"
#include "model/lower_iptables.hpp"
#include "packet/words.hpp"
#include "report/lint_report.hpp"
#include "rewriter/rewrite.hpp"

using namespace untrack;

namespace {

const std::string& text_of(benchmark::State& state) {
    static std::map<std::pair<std::int64_t, std::int64_t>, std::string> texts;
    auto [it, fresh] = texts.try_emplace({state.range(0), state.range(1)});
    if (fresh)
        it->second = bench::generate(static_cast<bench::Profile>(state.range(0)),
                                     static_cast<std::size_t>(state.range(1)), 1);
    constexpr const char* names[] = {"server", "kube", "blocklist"};
    state.SetLabel(names[state.range(0)]);
    return it->second;
}

model::Ruleset lowered(const parser::iptables::SyntaxTree& tree) {
    return model::lower(tree, {model::Family::ip, "bench"});
}

/// The file, its tree and its ruleset.
struct Loaded {
    explicit Loaded(const std::string& text)
        : tree(parser::iptables::parse(text)), ruleset(lowered(tree)) {}
    parser::iptables::SyntaxTree tree;
    model::Ruleset ruleset;
    model::IptablesText rules{tree, ruleset};
};

void time_per_rule(benchmark::State& state) {
    auto rules = static_cast<double>(state.range(1));
    state.counters["per_rule"] =
        benchmark::Counter(rules * static_cast<double>(state.iterations()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

std::size_t heap() {
    struct mallinfo2 m = ::mallinfo2();
    return m.uordblks + m.hblkhd;
}

/// The heap that what `make` returns holds.
template <typename Make>
void bytes_per_rule(benchmark::State& state, Make make) {
    std::size_t before = heap();
    auto kept = std::make_unique<decltype(make())>(make());
    state.counters["bytes_per_rule"] =
        static_cast<double>(heap() - before) / static_cast<double>(state.range(1));
}

void parse(benchmark::State& state) {
    const std::string& text = text_of(state);
    bytes_per_rule(state, [&] { return parser::iptables::parse(text); });
    for (auto _ : state) benchmark::DoNotOptimize(parser::iptables::parse(text).lines.size());
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
    time_per_rule(state);
}

void lower(benchmark::State& state) {
    auto tree = parser::iptables::parse(text_of(state));
    bytes_per_rule(state, [&] { return lowered(tree); });
    for (auto _ : state) benchmark::DoNotOptimize(lowered(tree).rules.size());
    time_per_rule(state);
}

/// Sorts the rules by what they do, and finds who uses conntrack.
void facts(benchmark::State& state) {
    Loaded l(text_of(state));
    for (auto _ : state) {
        analyzer::FileContext file(l.rules, model::KernelProfile::modern);
        benchmark::DoNotOptimize(file.rules.uses.size());
    }
    time_per_rule(state);
}

/// With the facts, which every run of lint needs.
void lint(benchmark::State& state, const char* codes) {
    Loaded l(text_of(state));
    auto selection = analyzer::Selection::make({codes}, {}).value();
    std::size_t findings = 0;
    for (auto _ : state) {
        analyzer::FileContext file(l.rules, model::KernelProfile::modern);
        findings = analyzer::lint(file, selection).list.size();
    }
    state.counters["findings"] = static_cast<double>(findings);
    time_per_rule(state);
}

/// Findings as text, with excerpts.
void print(benchmark::State& state) {
    const std::string& text = text_of(state);
    Loaded l(text);
    analyzer::FileContext file(l.rules, model::KernelProfile::modern);
    auto findings =
        analyzer::lint(file, analyzer::Selection::make({"UT1", "UT2", "UT5"}, {}).value());
    report::LintedFile linted{"bench", &l.rules, &findings, 0, {{&l.ruleset, {}, {}}}};
    std::string out;
    for (auto _ : state) {
        out.clear();
        for (const auto& finding : findings.list)
            report::append_finding(out, linted, finding, false);
        benchmark::DoNotOptimize(out.data());
    }
    state.counters["findings"] = static_cast<double>(findings.list.size());
    time_per_rule(state);
}

/// One packet through a ruleset that is known already.
void trace(benchmark::State& state) {
    Loaded l(text_of(state));
    const model::Ruleset* host[] = {&l.ruleset};
    packet::Tracer tracer(host);
    auto packet = packet::parse_packet("tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0").value();
    for (auto _ : state) benchmark::DoNotOptimize(tracer.trace(packet, false).verdict);
}

void rewrite(benchmark::State& state) {
    Loaded l(text_of(state));
    rewriter::Request request;
    request.services.push_back(rewriter::parse_service("80/tcp").value());
    rewriter::Outcome outcome;
    for (auto _ : state) outcome = rewriter::rewrite(l.tree, l.ruleset, request);
    state.counters["edits"] = static_cast<double>(outcome.edits.size());
    state.counters["refused"] = outcome.status == rewriter::Status::refused;
    time_per_rule(state);
}

void sizes(benchmark::internal::Benchmark* b) {
    for (std::int64_t profile : {0, 1, 2})
        for (std::int64_t rules : {1000, 10000, 100000}) b->Args({profile, rules});
    b->ArgNames({"profile", "rules"})->Unit(benchmark::kMillisecond);
}

}  // namespace

BENCHMARK(parse)->Apply(sizes);
BENCHMARK(lower)->Apply(sizes);
BENCHMARK(facts)->Apply(sizes);
BENCHMARK_CAPTURE(lint, UT1, "UT1")->Apply(sizes);
BENCHMARK_CAPTURE(lint, UT2, "UT2")->Apply(sizes);
BENCHMARK_CAPTURE(lint, UT5, "UT5")->Apply(sizes);
BENCHMARK(print)->Apply(sizes);
BENCHMARK(trace)->Apply(sizes)->Unit(benchmark::kNanosecond);
BENCHMARK(rewrite)->Apply(sizes);
BENCHMARK_MAIN();
