// SPDX-License-Identifier: GPL-2.0-or-later
// What each stage costs for a rule: nanoseconds, and bytes of memory.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <map>
#include <memory>

#include "analyzer/driver.hpp"
#include "bench/generate.hpp"
#include "model/lower_iptables.hpp"
#include "packet/words.hpp"
#include "rewriter/rewrite.hpp"

using namespace untrack;

namespace {

const std::string& text_of(const benchmark::State& state) {
    static std::map<std::pair<std::int64_t, std::int64_t>, std::string> texts;
    auto [it, fresh] = texts.try_emplace({state.range(0), state.range(1)});
    if (fresh)
        it->second = bench::generate(static_cast<bench::Profile>(state.range(0)),
                                     static_cast<std::size_t>(state.range(1)), 1);
    return it->second;
}

/// The file, its tree and its ruleset.
struct Loaded {
    explicit Loaded(const std::string& text)
        : tree(parser::iptables::parse(text)),
          ruleset(model::lower(tree, {model::Family::ip, "bench"})) {}
    parser::iptables::SyntaxTree tree;
    model::Ruleset ruleset;
};

void per_rule(benchmark::State& state) {
    auto rules = static_cast<double>(state.range(1));
    state.counters["ns_per_rule"] =
        benchmark::Counter(rules * static_cast<double>(state.iterations()) / 1e9,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

std::size_t heap() {
    struct mallinfo2 m = ::mallinfo2();
    return m.uordblks + m.hblkhd;
}

void parse(benchmark::State& state) {
    const std::string& text = text_of(state);
    std::size_t before = heap();
    auto kept = std::make_unique<parser::iptables::SyntaxTree>(parser::iptables::parse(text));
    state.counters["bytes_per_rule"] =
        static_cast<double>(heap() - before) / static_cast<double>(state.range(1));
    kept.reset();
    for (auto _ : state) benchmark::DoNotOptimize(parser::iptables::parse(text).lines.size());
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
    per_rule(state);
}

void lower(benchmark::State& state) {
    auto tree = parser::iptables::parse(text_of(state));
    for (auto _ : state)
        benchmark::DoNotOptimize(model::lower(tree, {model::Family::ip, "bench"}).rules.size());
    per_rule(state);
}

void lint(benchmark::State& state, const char* codes) {
    Loaded l(text_of(state));
    auto selection = analyzer::Selection::make({codes}, {}).value();
    for (auto _ : state) {
        analyzer::FileContext file(l.tree, l.ruleset, model::KernelProfile::modern);
        benchmark::DoNotOptimize(analyzer::lint(file, selection).list.size());
    }
    per_rule(state);
}

/// One packet, the ruleset known: nanoseconds, not for each rule.
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
    for (auto _ : state)
        benchmark::DoNotOptimize(rewriter::rewrite(l.tree, l.ruleset, request).edits.size());
    per_rule(state);
}

void sizes(benchmark::internal::Benchmark* b) {
    for (std::int64_t profile : {0, 1, 2})
        for (std::int64_t rules : {1000, 100000}) b->Args({profile, rules});
    b->ArgNames({"profile", "rules"})->Unit(benchmark::kMillisecond);
}

}  // namespace

BENCHMARK(parse)->Apply(sizes);
BENCHMARK(lower)->Apply(sizes);
BENCHMARK_CAPTURE(lint, UT1, "UT1")->Apply(sizes);
BENCHMARK_CAPTURE(lint, UT2, "UT2")->Apply(sizes);
BENCHMARK_CAPTURE(lint, UT5, "UT5")->Apply(sizes);
BENCHMARK(trace)->Apply(sizes)->Unit(benchmark::kNanosecond);
BENCHMARK(rewrite)->Apply(sizes);
BENCHMARK_MAIN();
