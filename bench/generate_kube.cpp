// SPDX-License-Identifier: GPL-2.0-or-later
// What kube-proxy writes on a node: for each service a chain, for each of its endpoints another.
#include <algorithm>
#include <set>

#include "bench/ruleset_writer.hpp"

namespace untrack::bench {
namespace {

class KubeNode {
  public:
    KubeNode(std::size_t rules, std::uint32_t seed) : dice_(seed), wanted_(rules) {}

    std::string text() {
        for (const char* chain : {"KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY", "KUBE-PROXY-CANARY"})
            mangle_.chain(chain);
        filter_rules();
        nat_rules();
        while (count() + 1 < wanted_) service();
        nat_.rule("KUBE-SERVICES",
                  comment("kubernetes service nodeports; NOTE: this must be the last rule in this "
                          "chain") +
                      " -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS");
        std::string file;
        for (const Table* table : {&mangle_, &filter_, &nat_}) table->append_to(file);
        return file;
    }

  private:
    [[nodiscard]] std::size_t count() const { return filter_.count() + nat_.count(); }

    static std::string comment(std::string_view text) {
        return fmt::format("-m comment --comment \"{}\"", text);
    }

    void filter_rules() {
        for (const char* chain : {"KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS", "KUBE-PROXY-CANARY",
                                  "KUBE-PROXY-FIREWALL", "KUBE-SERVICES"})
            filter_.chain(chain);
        const std::string fresh = "-m conntrack --ctstate NEW ";
        for (const char* chain : {"INPUT", "FORWARD", "OUTPUT"}) {
            if (std::string_view(chain) != "OUTPUT")
                filter_.rule(chain, fresh + comment("kubernetes load balancer firewall") +
                                        " -j KUBE-PROXY-FIREWALL");
            filter_.rule(chain,
                         fresh + comment("kubernetes service portals") + " -j KUBE-SERVICES");
        }
        filter_.rule("INPUT",
                     comment("kubernetes health check service ports") + " -j KUBE-NODEPORTS");
        filter_.rule("INPUT", fresh + comment("kubernetes externally-visible service portals") +
                                  " -j KUBE-EXTERNAL-SERVICES");
        filter_.rule("INPUT", "-j KUBE-FIREWALL");
        filter_.rule("FORWARD", comment("kubernetes forwarding rules") + " -j KUBE-FORWARD");
        filter_.rule("KUBE-FIREWALL", "! -s 127.0.0.0/8 -d 127.0.0.0/8 " +
                                          comment("block incoming localnet connections") +
                                          " -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT "
                                          "-j DROP");
        filter_.rule("KUBE-FORWARD", "-m conntrack --ctstate INVALID -j DROP");
        filter_.rule("KUBE-FORWARD", comment("kubernetes forwarding rules") +
                                         " -m mark --mark 0x4000/0x4000 -j ACCEPT");
        filter_.rule("KUBE-FORWARD", comment("kubernetes forwarding conntrack rule") +
                                         " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
    }

    void nat_rules() {
        for (const char* chain : {"KUBE-KUBELET-CANARY", "KUBE-NODEPORTS", "KUBE-PROXY-CANARY"})
            nat_.chain(chain);
        for (const char* chain : {"PREROUTING", "OUTPUT"})
            nat_.rule(chain, comment("kubernetes service portals") + " -j KUBE-SERVICES");
        nat_.rule("POSTROUTING", comment("kubernetes postrouting rules") + " -j KUBE-POSTROUTING");
        nat_.rule("KUBE-MARK-MASQ", "-j MARK --set-xmark 0x4000/0x4000");
        nat_.rule("KUBE-POSTROUTING", "-m mark ! --mark 0x4000/0x4000 -j RETURN");
        nat_.rule("KUBE-POSTROUTING", "-j MARK --set-xmark 0x4000/0x0");
        nat_.rule("KUBE-POSTROUTING", comment("kubernetes service traffic requiring SNAT") +
                                          " -j MASQUERADE --random-fully");
    }

    std::string id() {
        constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        std::string id(16, 'A');
        for (char& c : id) c = letters[dice_.below(32)];
        return id;
    }

    void service() {
        const std::string name = fmt::format(
            "{}/{}-{}:{}",
            dice_.one_of({"default", "prod", "shop", "monitoring", "kube-system", "warehouse"}),
            dice_.one_of({"api", "basket", "search", "login", "ledger", "mailer", "frontend"}),
            dice_.one_of({"main", "canary", "batch", "cache", "store", "edge", "stream"}),
            dice_.one_of({"http", "https", "grpc", "metrics"}));
        const std::string protocol = dice_.permille(50) ? "udp" : "tcp";
        const std::uint32_t cluster = 10U << 24 | 96U << 16 | dice_.between(1, (1U << 20) - 1);
        const std::string port =
            fmt::format("-m {} --dport {}", protocol, dice_.one_of({80, 443, 8080, 9090, 5432}));
        const std::string to = fmt::format("-d {} -p {} ", host(cluster), protocol);
        if (dice_.permille(40)) {
            filter_.rule("KUBE-SERVICES",
                         fmt::format("{}{} {} -j REJECT --reject-with icmp-port-unreachable", to,
                                     comment(name + " has no endpoints"), port));
            return;
        }
        const std::string hash = id();
        const std::string chain = "KUBE-SVC-" + hash;
        const std::string portal = to + comment(name + " cluster IP") + ' ' + port;
        nat_.rule("KUBE-SERVICES", fmt::format("{} -j {}", portal, chain));
        nat_.rule(chain, fmt::format("! -s 10.244.0.0/16 {} -j KUBE-MARK-MASQ", portal));
        if (dice_.permille(80)) from_outside(name, hash, protocol, port);
        const int target = dice_.one_of({8080, 8443, 9090, 3000});
        for (std::uint32_t n = 1 + dice_.misses(283, 39); n > 0; --n)
            endpoint(name, chain, protocol, target, n);
    }

    /// A service open to the outside: by a port of the node, or by an address when those ran out.
    void from_outside(const std::string& name, const std::string& hash, const std::string& protocol,
                      const std::string& port) {
        const std::string chain = "KUBE-EXT-" + hash;
        nat_.rule(chain,
                  fmt::format("{} -j KUBE-MARK-MASQ",
                              comment(fmt::format("masquerade traffic for {} external destinations",
                                                  name))));
        nat_.rule(chain, "-j KUBE-SVC-" + hash);
        std::uint32_t node_port = dice_.between(30000, 32767);
        if (node_ports_.insert(node_port).second) {
            nat_.rule("KUBE-NODEPORTS", fmt::format("-p {0} {1} -m {0} --dport {2} -j {3}",
                                                    protocol, comment(name), node_port, chain));
        } else {
            nat_.rule("KUBE-SERVICES",
                      fmt::format("-d {} -p {} {} {} -j {}", host(dice_.public_address()), protocol,
                                  comment(name + " loadbalancer IP"), port, chain));
        }
    }

    /// One of the `left` endpoints that are still to be written: the last takes what is left.
    void endpoint(const std::string& name, const std::string& service, const std::string& protocol,
                  int port, std::uint32_t left) {
        const std::string chain = "KUBE-SEP-" + id();
        const std::uint32_t pod = 10U << 24 | 244U << 16 | dice_.below(1U << 16);
        const std::string where = fmt::format("{}:{}", dotted(pod), port);
        // The kernel keeps 31 bits of a probability, and iptables-save prints what it keeps.
        constexpr std::uint32_t whole = 1U << 31;
        const std::string chance =
            left == 1 ? ""
                      : fmt::format("-m statistic --mode random --probability {:.11f} ",
                                    static_cast<double>((whole + left / 2) / left) / whole);
        nat_.rule(service, fmt::format("{} {}-j {}", comment(fmt::format("{} -> {}", name, where)),
                                       chance, chain));
        nat_.rule(chain, fmt::format("-s {} {} -j KUBE-MARK-MASQ", host(pod), comment(name)));
        nat_.rule(chain, fmt::format("-p {0} {1} -m {0} -j DNAT --to-destination {2}", protocol,
                                     comment(name), where));
    }

    Dice dice_;
    std::size_t wanted_;
    std::set<std::uint32_t> node_ports_;
    Table mangle_{"mangle",
                  {{"PREROUTING", "ACCEPT"},
                   {"INPUT", "ACCEPT"},
                   {"FORWARD", "ACCEPT"},
                   {"OUTPUT", "ACCEPT"},
                   {"POSTROUTING", "ACCEPT"}}};
    Table filter_{"filter", {{"INPUT", "ACCEPT"}, {"FORWARD", "ACCEPT"}, {"OUTPUT", "ACCEPT"}}};
    Table nat_{"nat",
               {{"PREROUTING", "ACCEPT"},
                {"INPUT", "ACCEPT"},
                {"OUTPUT", "ACCEPT"},
                {"POSTROUTING", "ACCEPT"}}};
};

}  // namespace

std::string generate_kube(std::size_t rules, std::uint32_t seed) {
    return KubeNode(rules, seed).text();
}

}  // namespace untrack::bench
