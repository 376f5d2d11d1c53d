// SPDX-License-Identifier: GPL-2.0-or-later
// A server's firewall as it grows by hand: a chain for each service, port forwards, untracked
// services, and the blemishes of old age (-m state, rules pasted twice, chains nobody jumps to).
#include <array>

#include "bench/ruleset_writer.hpp"

namespace untrack::bench {
namespace {

struct Service {
    std::string_view name, protocol, ports;
};
// A quarter is UDP, as much as real hosts have: iptables-restore asks the name service for every
// port of -m udp, so more of them would slow it down and flatter whoever is measured beside it.
constexpr std::array<Service, 36> services{
    {{"web", "tcp", "-m multiport --dports 80,443"},
     {"http", "tcp", "-m tcp --dport 80"},
     {"https", "tcp", "-m tcp --dport 443"},
     {"ssh", "tcp", "-m tcp --dport 22"},
     {"smtp", "tcp", "-m multiport --dports 25,465,587"},
     {"imap", "tcp", "-m multiport --dports 143,993"},
     {"dns-tcp", "tcp", "-m tcp --dport 53"},
     {"mysql", "tcp", "-m tcp --dport 3306"},
     {"postgres", "tcp", "-m tcp --dport 5432"},
     {"redis", "tcp", "-m tcp --dport 6379"},
     {"cache", "tcp", "-m tcp --dport 11211"},
     {"mongo", "tcp", "-m tcp --dport 27017:27019"},
     {"search", "tcp", "-m multiport --dports 9200,9300:9400"},
     {"kafka", "tcp", "-m multiport --dports 9092,9093"},
     {"zookeeper", "tcp", "-m multiport --dports 2181,2888,3888"},
     {"consul", "tcp", "-m multiport --dports 8300:8302,8500,8600"},
     {"etcd", "tcp", "-m multiport --dports 2379,2380"},
     {"vault", "tcp", "-m tcp --dport 8200"},
     {"grafana", "tcp", "-m tcp --dport 3000"},
     {"metrics", "tcp", "-m tcp --dport 9100"},
     {"prometheus", "tcp", "-m tcp --dport 9090"},
     {"ldap", "tcp", "-m multiport --dports 389,636"},
     {"rsync", "tcp", "-m tcp --dport 873"},
     {"nfs", "tcp", "-m multiport --dports 111,2049"},
     {"backend", "tcp", "-m tcp --dport 8080"},
     {"backend-tls", "tcp", "-m tcp --dport 8443"},
     {"agents", "tcp", "-m multiport --dports 10050,10051"},
     {"dns-udp", "udp", "-m udp --dport 53"},
     {"ntp", "udp", "-m udp --dport 123"},
     {"snmp", "udp", "-m multiport --dports 161,162"},
     {"syslog", "udp", "-m udp --dport 514"},
     {"openvpn", "udp", "-m udp --dport 1194"},
     {"wireguard", "udp", "-m udp --dport 51820"},
     {"sip", "udp", "-m udp --dport 5060:5061"},
     {"rtp", "udp", "-m udp --dport 16384:32767"},
     {"ipsec", "udp", "-m multiport --dports 500,4500"}}};

std::string ports_of(const Service& s) {
    return fmt::format("-p {} {} ", s.protocol, s.ports);
}

class ServerHost {
  public:
    ServerHost(std::size_t rules, std::uint32_t seed) : dice_(seed), wanted_(rules) {}

    std::string text() {
        beginning();
        while (left() > 0) {
            std::uint32_t kind = dice_.below(1000);
            if (kind < 40) {
                untracked_service();
            } else if (kind < 100) {
                traffic_class();
            } else if (kind < 180) {
                port_forward();
            } else if (kind < 210) {
                source_nat();
            } else if (kind < 550 || left() < 6) {
                lone_rule();
            } else {
                service_chain();
            }
        }
        filter_.rule("INPUT", "-m pkttype --pkt-type broadcast -j DROP");
        filter_.rule("INPUT", "-j LOGDROP");
        filter_.rule("FORWARD", "-j REJECT --reject-with icmp-host-prohibited");
        std::string file;
        for (const Table* table : {&mangle_, &raw_, &filter_, &nat_}) table->append_to(file);
        return file;
    }

  private:
    /// How many rules may be added before the last three.
    [[nodiscard]] std::size_t left() const {
        std::size_t count =
            raw_.count() + mangle_.count() + nat_.count() + filter_.count() + last_rules;
        return count < wanted_ ? wanted_ - count : 0;
    }

    void beginning() {
        filter_.rule("INPUT", "-i lo -j ACCEPT");
        filter_.rule("INPUT",
                     "-m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "
                     "\"what we let in before\" -j ACCEPT");
        filter_.rule("INPUT", "-m state --state INVALID -j DROP");
        filter_.rule("INPUT", "-p tcp -j BADFLAGS");
        filter_.rule("INPUT", "-p icmp -j ICMP");
        filter_.rule("FORWARD", "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
        for (const char* flags : {"FIN,SYN FIN,SYN", "SYN,RST SYN,RST"})
            filter_.rule("BADFLAGS", fmt::format("-p tcp -m tcp --tcp-flags {} -j DROP", flags));
        filter_.rule("BADFLAGS",
                     "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW "
                     "-j DROP");
        for (int type : {0, 3, 11})
            filter_.rule("ICMP", fmt::format("-p icmp -m icmp --icmp-type {} -j ACCEPT", type));
        filter_.rule("ICMP",
                     "-p icmp -m icmp --icmp-type 8 -m limit --limit 5/sec --limit-burst 10 "
                     "-j ACCEPT");
        filter_.rule("ICMP", "-j DROP");
        filter_.rule("LOGDROP", "-m limit --limit 3/min -j LOG --log-prefix \"IPT DROP: \"");
        filter_.rule("LOGDROP", "-j DROP");
        mangle_.rule("FORWARD",
                     "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS "
                     "--clamp-mss-to-pmtu");
        nat_.rule("POSTROUTING", "-s 10.0.0.0/8 -o eth0 -j MASQUERADE");
    }

    const Service& any_service() { return services[dice_.below(services.size())]; }

    std::string new_state() {
        return dice_.permille(150) ? "-m state --state NEW " : "-m conntrack --ctstate NEW ";
    }

    /// Who may talk to a service: one host, a network, rarely somebody of the internet.
    std::string source() {
        std::uint32_t kind = dice_.below(100);
        if (kind < 50) return "-s " + host(dice_.private_address()) + ' ';
        if (kind < 80)
            return fmt::format("-s {} ", network(dice_.private_address(),
                                                 dice_.one_of({24U, 24U, 24U, 22U, 26U, 28U})));
        if (kind < 88) return "-s " + network(dice_.private_address(), 16) + ' ';
        return "-s " + host(dice_.public_address()) + ' ';
    }

    std::string iprange() {
        std::uint32_t net = dice_.private_address() & 0xffffff00U;
        return fmt::format("-m iprange --src-range {}-{} ", dotted(net + dice_.between(1, 99)),
                           dotted(net + dice_.between(100, 254)));
    }

    std::string remark(const std::string& text) {
        return fmt::format("-m comment --comment \"{}\" ", text);
    }
    std::string_view site() { return dice_.one_of({"fra2", "lon1", "nyc3", "sfo1", "tok1"}); }
    std::string_view team() {
        return dice_.one_of({"ops", "web", "net", "backup", "ci", "dba", "sec"});
    }

    /// NOTRACK for both directions; one in five was only half done.
    void untracked_service() {
        std::string address = host(dice_.private_address());
        int port = dice_.one_of({53, 123});
        raw_.rule("PREROUTING",
                  fmt::format("-d {} -p udp -m udp --dport {} -j CT --notrack", address, port));
        if (left() == 0) return;
        if (dice_.permille(200)) address = host(dice_.private_address());
        raw_.rule("OUTPUT",
                  fmt::format("-s {} -p udp -m udp --sport {} -j CT --notrack", address, port));
    }

    void traffic_class() {
        std::string match = dice_.permille(500) ? source() : "";
        match += ports_of(any_service());
        mangle_.rule("PREROUTING", fmt::format("{}-j MARK --set-xmark {:#x}/0xffffffff", match,
                                               dice_.between(1, 15)));
        if (left() > 0 && dice_.permille(500))
            mangle_.rule("POSTROUTING", fmt::format("{}-j DSCP --set-dscp {:#04x}", match,
                                                    dice_.one_of({8, 16, 34, 46})));
    }

    void port_forward() {
        std::uint32_t port = dice_.between(1024, 59999);
        std::uint32_t to = dice_.private_address();
        int inner = dice_.one_of({22, 80, 443, 3389, 8080});
        nat_.rule("PREROUTING", fmt::format("-d {} -i eth0 -p tcp -m tcp --dport {} -j DNAT "
                                            "--to-destination {}:{}",
                                            host(dice_.public_address()), port, dotted(to), inner));
        if (left() > 0)
            filter_.rule("FORWARD", fmt::format("-d {} -i eth0 -p tcp -m tcp --dport {} {}{}"
                                                "-j ACCEPT",
                                                host(to), inner, new_state(),
                                                remark(fmt::format("forward {}", port))));
    }

    void source_nat() {
        std::string target = dice_.permille(500)
                                 ? "SNAT --to-source " + dotted(dice_.public_address())
                                 : "MASQUERADE";
        nat_.rule("POSTROUTING",
                  fmt::format("-s {} -o {} -j {}", network(dice_.private_address(), 24),
                              dice_.one_of({"eth0", "eth1"}), target));
    }

    /// A rule in a base chain. Without a source it holds for one address only: else it would
    /// kill whatever follows.
    void lone_rule() {
        const Service& s = any_service();
        std::string match;
        bool everybody = true;
        if (dice_.permille(750)) {
            everybody = dice_.permille(30);
            match = everybody ? "! -s " + network(dice_.private_address(), 16) + ' ' : source();
        }
        if (everybody || dice_.permille(200)) match += "-d " + host(dice_.private_address()) + ' ';
        if (dice_.permille(350))
            match += fmt::format(
                "-i {} ", dice_.one_of({"eth0", "eth0", "eth0", "eth1", "bond0", "wg0", "tun+"}));
        match += ports_of(s);
        if (dice_.permille(550)) match += new_state();
        if (dice_.permille(30))
            match += fmt::format("-m limit --limit {} --limit-burst 20 ",
                                 dice_.one_of({"10/sec", "30/min", "100/sec"}));
        if (dice_.permille(450))
            match +=
                remark(fmt::format("{} from {} ({}) {}-{}", s.name, site(), team(),
                                   dice_.one_of({"OPS", "SEC", "NET"}), dice_.between(100, 9999)));
        std::string_view target =
            dice_.permille(850) ? "ACCEPT" : dice_.one_of({"LOGDROP", "DROP"});
        const std::string chain = dice_.permille(800) ? "INPUT" : "FORWARD";
        filter_.rule(chain, fmt::format("{}-j {}", match, target));
        if (left() == 0) return;
        if (dice_.permille(12)) {
            filter_.repeat(chain);
        } else if (dice_.permille(20)) {
            filter_.rule(chain, fmt::format("-s {} {}-j {}", host(dice_.private_address()),
                                            ports_of(s), target));
        }
    }

    /// The clients of one service. Needs room for six rules.
    void service_chain() {
        Service s = any_service();
        std::string own_port;
        std::string to = "-d " + host(dice_.private_address()) + ' ';
        if (dice_.permille(200)) {  // an application with a port of its own
            own_port = fmt::format("-m tcp --dport {}", dice_.between(1024, 59999));
            s = {"app", "tcp", own_port};
            to.clear();
        }
        const std::string chain = fmt::format("svc-{}-{}", s.name, ++chains_);
        if (!dice_.permille(20))
            filter_.rule("INPUT", fmt::format("{}{}-j {}", to, ports_of(s), chain));
        for (std::uint32_t n = 2 + dice_.misses(105, 60); n > 0 && left() > 2; --n) {
            std::string match = dice_.permille(970) ? source() : iprange();
            // iptables-save prints -p before any -m.
            if (dice_.permille(500))
                match = match[1] == 's' ? match + ports_of(s) : ports_of(s) + match;
            if (dice_.permille(300)) match += new_state();
            if (dice_.permille(350)) match += remark(fmt::format("{} {}", team(), site()));
            filter_.rule(chain,
                         fmt::format("{}-j {}", match, dice_.permille(930) ? "ACCEPT" : "RETURN"));
        }
        filter_.rule(
            chain,
            fmt::format("-m limit --limit 6/min -j LOG --log-prefix \"{} denied: \" --log-level 6",
                        s.name));
        filter_.rule(chain, dice_.permille(800) ? "-j DROP"
                                                : "-j REJECT --reject-with icmp-port-unreachable");
    }

    static constexpr std::size_t last_rules = 3;
    Dice dice_;
    std::size_t wanted_;
    unsigned chains_ = 0;
    Table raw_{"raw", {{"PREROUTING", "ACCEPT"}, {"OUTPUT", "ACCEPT"}}};
    Table mangle_{"mangle",
                  {{"PREROUTING", "ACCEPT"},
                   {"INPUT", "ACCEPT"},
                   {"FORWARD", "ACCEPT"},
                   {"OUTPUT", "ACCEPT"},
                   {"POSTROUTING", "ACCEPT"}}};
    Table nat_{"nat",
               {{"PREROUTING", "ACCEPT"},
                {"INPUT", "ACCEPT"},
                {"OUTPUT", "ACCEPT"},
                {"POSTROUTING", "ACCEPT"}}};
    Table filter_{"filter", {{"INPUT", "DROP"}, {"FORWARD", "DROP"}, {"OUTPUT", "ACCEPT"}}};
};

}  // namespace

std::string generate_server(std::size_t rules, std::uint32_t seed) {
    return ServerHost(rules, seed).text();
}

}  // namespace untrack::bench
