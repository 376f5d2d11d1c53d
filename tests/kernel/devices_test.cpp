// SPDX-License-Identifier: GPL-2.0-or-later
// Chains at ingress and egress of devices, and those of bridges: what they do to packets of the
// host, and what trace says of it.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

class Devices : public KernelTest {
  protected:
    std::string verdict(const std::string& file, const std::string& packet) const {
        std::string answer = output_of(
            fmt::format("{} trace --format json --packet \"{}\" {}", binary_, packet, file));
        return nlohmann::json::parse(answer.substr(0, answer.find('\n'))).at("verdict");
    }

    static std::string drops(const std::string& head) {
        return head + " priority 0; udp dport 53 drop; udp sport 53 drop; }\n}\n";
    }
};

constexpr const char* from_outside = "udp 192.0.2.2:40000 > 192.0.2.1:53 in eth0";
constexpr const char* to_outside = "udp 192.0.2.1:53 > 192.0.2.2:40000 out eth0";
constexpr const char* from_here = "udp 127.0.0.1:40000 > 127.0.0.1:53 out lo";

}  // namespace

TEST_F(Devices, DropWhatTheirDevicesReceiveAndSend) {
    struct Row {
        const char* head;
        Talk outside, here;
        const char* received;
        const char* sent;
        const char* own;
    };
    constexpr const char* yes = "accept";
    constexpr const char* no = "drop";
    const Row rows[] = {
        {"table netdev t { chain c { type filter hook ingress device eth0", Talk::nothing,
         Talk::answered, no, yes, yes},
        {"table inet t { chain c { type filter hook ingress device eth0", Talk::nothing,
         Talk::answered, no, yes, yes},
        {"table netdev t { chain c { type filter hook egress device eth0", Talk::nothing,
         Talk::answered, yes, no, yes},
        {"table netdev t { chain c { type filter hook ingress device lo", Talk::answered,
         Talk::nothing, yes, yes, no},
        {"table netdev t { chain c { type filter hook egress device lo", Talk::answered,
         Talk::nothing, yes, yes, no},
        {"table arp t { chain c { type filter hook input priority 0; policy drop; arp operation { "
         "request, reply } accept; }",
         Talk::answered, Talk::answered, yes, yes, yes},
    };
    Lab lab;
    lab.serve(lab.server, 53, true);
    for (const Row& row : rows) {
        SCOPED_TRACE(row.head);
        std::string text = std::string_view(row.head).starts_with("table arp")
                               ? std::string(row.head) + "\n}\n"
                               : drops(row.head);
        std::string file = write("rules.nft", "flush ruleset\n" + text);
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 53, true}), row.outside);
        EXPECT_EQ(call_from(lab.server, {"127.0.0.1", 53, true}), row.here);
        EXPECT_EQ(verdict(file, from_outside), row.received);
        EXPECT_EQ(verdict(file, to_outside), row.sent);
        EXPECT_EQ(verdict(file, from_here), row.own);
    }
}

TEST_F(Devices, NotrackAndMarksOfIngressHoldBehindIt) {
    Lab lab;
    lab.serve(lab.server, 53, true);
    constexpr const char* input =
        "table inet f { chain i { type filter hook input priority 0; policy drop;\n"
        "ct state untracked meta mark 7 accept; iifname lo ct state { new, established } accept; "
        "}\n}\n";
    for (const char* family : {"netdev", "inet"})
        for (int priority : {-500, 0, 5000}) {
            std::string file = write(
                "rules.nft", fmt::format("flush ruleset\ntable {} t {{ chain c {{ type filter hook "
                                         "ingress devices = {{ eth0, lo }} priority {}; notrack; "
                                         "meta mark set 7; }}\n}}\n{}",
                                         family, priority, input));
            ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
            EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 53, true}), Talk::answered);
            EXPECT_EQ(verdict(file, from_outside), "accept");
            // Over lo it comes too late.
            EXPECT_EQ(call_from(lab.server, {"127.0.0.1", 53, true}), Talk::answered);
            EXPECT_EQ(verdict(file, from_here), "accept");
        }
}

TEST_F(Devices, AZoneOfIngressMakesPacketsNewUntilConntrack) {
    Lab lab;
    lab.serve(lab.server, 53, true);
    for (const char* state : {"new", "invalid", "untracked"}) {
        SCOPED_TRACE(state);
        std::string file = write(
            "rules.nft",
            fmt::format("flush ruleset\ntable inet t {{ chain c {{ type filter hook ingress device "
                        "eth0 priority 0; udp dport 53 ct zone set 3; }}\n chain p {{ type filter "
                        "hook prerouting priority raw; udp dport 53 notrack; udp dport 53 ct state "
                        "{} drop; }}\n}}\n",
                        state));
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        bool drops = std::string_view(state) == "new";
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 53, true}),
                  drops ? Talk::nothing : Talk::answered);
        EXPECT_EQ(verdict(file, from_outside), drops ? "drop" : "accept");
    }
}

TEST_F(Devices, OfOnePlaceTheNewestIsCalledFirst) {
    Lab lab;
    lab.serve(lab.server, 53, true);
    constexpr const char* marks =
        "table netdev n { chain c { type filter hook ingress device eth0 priority 0; meta mark set "
        "7; }\n}\n";
    constexpr const char* asks =
        "table inet i { chain c { type filter hook ingress device eth0 priority 0; meta mark 7 udp "
        "dport 53 drop; }\n}\n";
    for (bool first : {true, false}) {
        std::string file = write("rules.nft", std::string("flush ruleset\n") +
                                                  (first ? marks : asks) + (first ? asks : marks));
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 53, true}),
                  first ? Talk::answered : Talk::nothing);
        EXPECT_EQ(verdict(file, from_outside), first ? "accept" : "drop");
    }
}

TEST_F(Devices, APortOfABridgeHasWhatTheBridgeReceives) {
    Lab lab;
    lab.serve(lab.server, 53, true);
    auto on_server = [&](const std::string& command) {
        return run("ip -n " + lab.server + " " + command);
    };
    ASSERT_EQ(on_server("link add br0 type bridge"), 0);
    ASSERT_EQ(on_server("link set br0 up"), 0);
    ASSERT_EQ(on_server("addr flush dev eth0"), 0);
    ASSERT_EQ(on_server("link set eth0 master br0"), 0);
    ASSERT_EQ(on_server("addr add 192.0.2.1/24 dev br0"), 0);
    struct Row {
        const char* head;
        Talk outside;
        const char* received;
        const char* sent;
    };
    constexpr const char* yes = "accept";
    constexpr const char* maybe = "unknown";
    const Row rows[] = {
        {"table netdev t { chain c { type filter hook ingress device eth0", Talk::nothing, maybe,
         yes},
        {"table netdev t { chain c { type filter hook egress device eth0", Talk::nothing, yes,
         maybe},
        {"table netdev t { chain c { type filter hook ingress device br0", Talk::nothing, "drop",
         yes},
        {"table bridge t { chain c { type filter hook prerouting", Talk::nothing, maybe, yes},
        {"table bridge t { chain c { type filter hook input", Talk::nothing, maybe, yes},
        {"table bridge t { chain c { type filter hook forward", Talk::answered, yes, yes},
        {"table bridge t { chain c { type filter hook output", Talk::nothing, yes, maybe},
        {"table bridge t { chain c { type filter hook postrouting", Talk::nothing, yes, maybe},
    };
    ASSERT_TRUE(lab.load(lab.server, "nft -f", write("none.nft", "flush ruleset\n")));
    ASSERT_EQ(call_from(lab.client, {"192.0.2.1", 53, true}), Talk::answered);
    for (const Row& row : rows) {
        SCOPED_TRACE(row.head);
        std::string file = write("rules.nft", "flush ruleset\n" + drops(row.head));
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 53, true}), row.outside);
        EXPECT_EQ(verdict(file, "udp 192.0.2.2:40000 > 192.0.2.1:53 in br0"), row.received);
        EXPECT_EQ(verdict(file, "udp 192.0.2.1:53 > 192.0.2.2:40000 out br0"), row.sent);
    }
}

}  // namespace untrack::test
