// SPDX-License-Identifier: GPL-2.0-or-later
// `untrack trace` against the kernel: random packets through rulesets, verdict for verdict.
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <sstream>

#include "tests/kernel/lab.hpp"
#include "tests/kernel/probe.hpp"

namespace untrack::test {
namespace {

class Trace : public KernelTest {
  protected:
    /// trace's answer for each packet.
    std::vector<std::string> verdicts(const std::string& ruleset, const char* hook, const char* in,
                                      const char* out, const std::vector<Probe>& probes) const {
        std::string lines;
        for (const Probe& p : probes) {
            nlohmann::json j{
                {"hook", hook}, {"family", 4}, {"saddr", p.source}, {"daddr", p.destination}};
            j["proto"] = p.protocol == 6 ? "tcp" : p.protocol == 17 ? "udp" : "icmp";
            if (p.protocol == 1) {
                j["icmp_type"] = 8;
            } else {
                j["sport"] = p.source_port;
                j["dport"] = p.destination_port;
            }
            if (p.protocol == 6) j["flags"] = {p.syn ? "syn" : "ack"};
            if (*in != 0) j["iif"] = in;
            if (*out != 0) j["oif"] = out;
            lines += j.dump() + "\n";
        }
        std::string packets = write("packets.jsonl", lines);
        std::istringstream answers(
            output_of(binary_ + " trace --format json --packets " + packets + " " + ruleset));
        std::vector<std::string> found;
        for (std::string line; std::getline(answers, line);)
            found.push_back(nlohmann::json::parse(line).at("verdict").get<std::string>());
        return found;
    }
};

std::string text_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

/// Packets of which many are what the ruleset speaks of. Every packet has a source port of its own,
/// so that none belongs to a connection.
std::vector<Probe> random_probes(const std::string& ruleset, std::mt19937& random,
                                 const std::vector<std::string>& sources,
                                 const std::vector<std::string>& destinations, std::size_t count) {
    std::vector<std::uint16_t> ports{80, 22, 53, 5000};
    static const std::regex port_option("port[s ]*\\{? ?([0-9]+)[,:]? ?([0-9]*)");
    for (std::sregex_iterator it(ruleset.begin(), ruleset.end(), port_option), end; it != end; ++it)
        for (std::size_t group : {std::size_t{1}, std::size_t{2}})
            if (!(*it)[group].str().empty())
                ports.push_back(static_cast<std::uint16_t>(std::stoi((*it)[group].str())));
    std::vector<std::string> all_sources = sources;
    static const std::regex source_option("(?:-s|saddr) ([0-9]+\\.[0-9]+\\.[0-9]+)\\.[0-9]+");
    for (std::sregex_iterator it(ruleset.begin(), ruleset.end(), source_option), end; it != end;
         ++it)
        if ((*it)[1].str().substr(0, 4) != "127.") all_sources.push_back((*it)[1].str() + ".9");
    auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    std::vector<Probe> probes;
    for (std::size_t i = 0; i < count; ++i) {
        Probe p;
        p.source = all_sources[below(all_sources.size())];
        p.destination = destinations[below(destinations.size())];
        std::size_t kind = below(10);
        p.protocol = kind < 6 ? 6 : kind < 9 ? 17 : 1;
        p.source_port = static_cast<std::uint16_t>(10000 + i);
        p.destination_port = below(5) == 0 ? static_cast<std::uint16_t>(1 + below(65535))
                                           : ports[below(ports.size())];
        p.syn = below(3) != 0;
        probes.push_back(p);
    }
    return probes;
}

}  // namespace

TEST_F(Trace, AgreesWithTheKernelOnTheSamples) {
    std::mt19937 random(11);
    std::size_t packets = 0;
    std::size_t unknown = 0;
    std::size_t passed = 0;
    // Samples without NAT, which would send packets elsewhere.
    for (const char* name : {"article",
                             "chains",
                             "converted",
                             "dns-server",
                             "half-converted",
                             "leftovers",
                             "only-untracked",
                             "rate-limited",
                             "redhat-default",
                             "router",
                             "stateless",
                             "ufw",
                             "web-server",
                             "web-server-strict",
                             "nft-blocklist",
                             "nft-bypass",
                             "nft-commands",
                             "nft-dns-server",
                             "nft-half-bypass",
                             "nft-states",
                             "nft-verdict-maps",
                             "nft-web-server",
                             "nft-workstation",
                             "nft-zones",
                             "nft-concatenations",
                             "nft-firewalld",
                             "nft-flood-limits",
                             "nft-lists",
                             "nft-names"})
        for (const char* tool : {"iptables-legacy-restore", "iptables-nft-restore", "nft -f"}) {
            SCOPED_TRACE(std::string(name) + " " + tool);
            if (std::string_view(name).starts_with("nft-") != (std::string_view(tool) == "nft -f"))
                continue;
            RoutedLab lab;
            std::string file = sample(name);
            std::string text = text_of(file);
            ASSERT_TRUE(lab.load(lab.router, tool, file));
            struct Way {
                const char *hook, *in, *out;
                std::string from, to;
                std::vector<std::string> sources, destinations;
            };
            const Way ways[] = {
                {"input",
                 "eth0",
                 "",
                 lab.client,
                 lab.router,
                 {"203.0.113.2", "203.0.113.77"},
                 {"203.0.113.1"}},
                {"output", "", "eth1", lab.router, lab.server, {"198.51.100.1"}, {"198.51.100.2"}},
                {"forward",
                 "eth0",
                 "eth1",
                 lab.client,
                 lab.server,
                 {"203.0.113.2", "203.0.113.200"},
                 {"198.51.100.2"}},
                {"forward",
                 "eth1",
                 "eth0",
                 lab.server,
                 lab.client,
                 {"198.51.100.2"},
                 {"203.0.113.2"}},
            };
            for (const Way& way : ways) {
                auto probes = random_probes(text, random, way.sources, way.destinations, 60);
                auto expected = verdicts(file, way.hook, way.in, way.out, probes);
                ASSERT_EQ(expected.size(), probes.size());
                auto seen = deliver(way.from, way.to, probes);
                for (std::size_t i = 0; i < probes.size(); ++i) {
                    ++packets;
                    passed += seen.contains(i) ? 1 : 0;
                    if (expected[i] == "unknown") {
                        ++unknown;
                        continue;
                    }
                    const Probe& p = probes[i];
                    EXPECT_EQ(expected[i] == "accept", seen.contains(i))
                        << way.hook << ": protocol " << int{p.protocol} << " " << p.source << ":"
                        << p.source_port << " > " << p.destination << ":" << p.destination_port
                        << (p.syn ? " syn" : " ack") << ", trace says " << expected[i];
                }
            }
        }
    std::cout << fmt::format("{} packets, {:.0f} % passed, {:.1f} % unknown\n", packets,
                             100.0 * static_cast<double>(passed) / static_cast<double>(packets),
                             100.0 * static_cast<double>(unknown) / static_cast<double>(packets));
    EXPECT_GT(packets, 6000U);
    EXPECT_LT(unknown * 10, packets);
    EXPECT_GT(passed * 5, packets) << "a test that sees too little";
    EXPECT_LT(passed * 5, packets * 4);
}

class TraceOnRealRulesets : public Trace, public ::testing::WithParamInterface<const char*> {};

TEST_P(TraceOnRealRulesets, Agrees) {
    std::filesystem::path tool = std::filesystem::path(UNTRACK_SOURCE_DIR).parent_path() /
                                 "shared/tools/kernel_trace/kernel_trace.py";
    if (!std::filesystem::exists(tool)) GTEST_SKIP() << "no corpus of rulesets beside the checkout";
    std::string log = folder_ / "trace.log";
    std::string command = "timeout 300 python3 " + tool.string() + " --untrack " + binary_ +
                          " --corpus " + (tool.parent_path() / "../../corpus/dev").string() +
                          " --kinds " + GetParam() + " --files 50 --packets 150 --limit 200 > " +
                          log + " 2>&1";
    int status = std::system(command.c_str());
    std::ifstream in(log);
    std::string last;
    for (std::string line; std::getline(in, line);) last = line;
    EXPECT_EQ(status, 0) << last;
    std::cout << last << "\n";
}

INSTANTIATE_TEST_SUITE_P(Kinds, TraceOnRealRulesets, ::testing::Values("iptables,ip6tables", "nft"),
                         [](const auto& kinds) {
                             return std::string_view(kinds.param) == "nft" ? "Nft" : "Iptables";
                         });

}  // namespace untrack::test
