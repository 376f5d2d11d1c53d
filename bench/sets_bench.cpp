// SPDX-License-Identifier: GPL-2.0-or-later
// What packet sets cost: whether two rulesets, built already, do the same with every packet, and a
// packet to show when they do not.
#include <array>
#include <benchmark/benchmark.h>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/resource.h>

#include "bench/generate.hpp"
#include "bench/variants.hpp"
#include "model/lower_iptables.hpp"
#include "packet/order.hpp"
#ifdef UNTRACK_HAVE_Z3
#include "tests/oracle/z3_chain.hpp"
#endif

using namespace untrack;

namespace {

struct Loaded {
    Loaded(std::string ruleset_text, model::Family family)
        : text(std::move(ruleset_text)),
          tree(parser::iptables::parse(text)),
          ruleset(model::lower(tree, {family, "bench"})) {
        if (!tree.errors.empty() || !ruleset.problems.empty())
            throw std::runtime_error("the bench's ruleset has errors");
    }
    std::string text;
    parser::iptables::SyntaxTree tree;
    model::Ruleset ruleset;
};

enum Shape : std::int64_t { server, kube, blocklist, wild };
constexpr const char* shape_names[] = {"server", "kube", "blocklist", "wild"};

/// A ruleset, the same written otherwise, and one with another verdict.
struct Three {
    std::unique_ptr<Loaded> first, same, changed;
};

const Three& three(const benchmark::State& state) {
    static std::map<std::array<std::int64_t, 3>, Three> all;
    auto [it, fresh] = all.try_emplace({state.range(0), state.range(1), state.range(2)});
    if (!fresh) return it->second;
    auto rules = static_cast<std::size_t>(state.range(1));
    std::string text = state.range(0) == wild
                           ? bench::wild_rules(rules, 1)
                           : bench::generate(static_cast<bench::Profile>(state.range(0)), rules, 1);
    auto family = state.range(2) == 6 ? model::Family::ip6 : model::Family::ip;
    std::string same = bench::written_otherwise(text, 7);
    auto load = [&](const std::string& v4) {
        return std::make_unique<Loaded>(family == model::Family::ip6 ? bench::as_ip6(v4) : v4,
                                        family);
    };
    it->second = {load(text), load(same), load(bench::one_verdict_changed(same))};
    return it->second;
}

enum class Answer { same, different, undecided };

/// Whether the packets of each way end the same way, by the outcome: verdict and translation.
Answer compare(const Loaded& before, const Loaded& after, model::Family family, std::size_t words,
               std::size_t& used) {
    const model::Ruleset* one[] = {&before.ruleset};
    const model::Ruleset* other[] = {&after.ruleset};
    packet::Host hosts[] = {packet::Host(one), packet::Host(other)};
    auto same = packet::for_orders(family, hosts, {}, words, [&](packet::PacketSpace& space) {
        packet::Outcomes outcomes;
        packet::Evaluator a(space, outcomes, hosts[0], {});
        packet::Evaluator b(space, outcomes, hosts[1], {});
        bool equal = true;
        for (packet::Way way : packet::all_ways) {
            packet::DiagramPool& pool = space.pool();
            packet::Diagram difference = pool.differing(a.way(way), b.way(way));
            difference = pool.inside(space.on_way(way), pool.inside(space.possible(), difference));
            if (difference == packet::nothing) continue;
            equal = false;
            benchmark::DoNotOptimize(space.witness(difference, way).values.data());
        }
        used = space.pool().words();
        return equal;
    });
    return !same ? Answer::undecided : *same ? Answer::same : Answer::different;
}

void run(benchmark::State& state, const Loaded& before, const Loaded& after, Answer expected) {
    std::size_t used = 0;
    auto family = state.range(2) == 6 ? model::Family::ip6 : model::Family::ip;
    for (auto _ : state)
        if (compare(before, after, family, packet::default_words, used) != expected)
            state.SkipWithError("not the answer that it must be");
    struct rusage usage {};
    getrusage(RUSAGE_SELF, &usage);
    state.counters["Mwords"] = static_cast<double>(used) / 1e6;
    state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024;
    state.SetLabel(shape_names[state.range(0)]);
}

void same(benchmark::State& state) {
    run(state, *three(state).first, *three(state).same, Answer::same);
}
void different(benchmark::State& state) {
    run(state, *three(state).first, *three(state).changed, Answer::different);
}
void adversarial(benchmark::State& state) {
    run(state, *three(state).first, *three(state).first, Answer::undecided);
}

#ifdef UNTRACK_HAVE_Z3
/// The same question put to z3, and only about the filter table's INPUT.
void ask_z3(benchmark::State& state, const Loaded& before, const Loaded& after,
            z3::check_result expected) {
    for (auto _ : state) {
        z3::context context;
        oracle::Z3Packets packets(context);
        auto accepted = [&](const model::Ruleset& r) {
            return packets.accepted(r, r.find_chain(r.find_table("filter"), "INPUT"));
        };
        for (const Loaded* l : {&before, &after}) packets.name_interfaces(l->ruleset);
        z3::solver solver(context);
        solver.add(accepted(before.ruleset) != accepted(after.ruleset));
        if (solver.check() != expected) state.SkipWithError("not the answer that it must be");
    }
    state.SetLabel(shape_names[state.range(0)]);
}
void z3_same(benchmark::State& state) {
    ask_z3(state, *three(state).first, *three(state).same, z3::unsat);
}
void z3_different(benchmark::State& state) {
    ask_z3(state, *three(state).first, *three(state).changed, z3::sat);
}
#endif

void sizes(benchmark::internal::Benchmark* b) {
    for (std::int64_t shape : {server, kube, blocklist})
        for (std::int64_t rules : {1000, 10000, 100000})
            for (std::int64_t family : {4, 6}) b->Args({shape, rules, family});
    b->ArgNames({"profile", "rules", "ip"})->Unit(benchmark::kMillisecond);
}

}  // namespace

BENCHMARK(same)->Apply(sizes);
BENCHMARK(different)->Apply(sizes);
BENCHMARK(adversarial)
    ->Args({wild, 10000, 4})
    ->ArgNames({"profile", "rules", "ip"})
    ->Unit(benchmark::kMillisecond);
#ifdef UNTRACK_HAVE_Z3
BENCHMARK(z3_same)
    ->Args({server, 1000, 4})
    ->ArgNames({"profile", "rules", "ip"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(z3_different)
    ->Args({server, 1000, 4})
    ->ArgNames({"profile", "rules", "ip"})
    ->Unit(benchmark::kMillisecond);
#endif
BENCHMARK_MAIN();
