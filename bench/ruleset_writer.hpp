// SPDX-License-Identifier: GPL-2.0-or-later
// What every profile of the generator needs: dice that fall alike everywhere, and tables that come
// out in the order of iptables-save. The order matters to what is measured beside: libiptc keeps
// chains sorted by name, and is slowed down by files that no iptables-save wrote.
#pragma once

#include <cstdint>
#include <fmt/format.h>
#include <initializer_list>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace untrack::bench {

class Dice {
  public:
    explicit Dice(std::uint32_t seed) : engine_(seed) {}

    // The standard's distributions differ between libraries; a remainder does not.
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
    std::uint32_t between(std::uint32_t from, std::uint32_t to) {
        return from + below(to - from + 1);
    }
    bool permille(std::uint32_t n) { return below(1000) < n; }
    template <typename T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[below(static_cast<std::uint32_t>(values.size()))];
    }
    std::string_view one_of(std::initializer_list<std::string_view> values) {
        return one_of<std::string_view>(values);
    }
    /// How many times in a row one misses with this chance to hit: mostly few, sometimes many.
    std::uint32_t misses(std::uint32_t hit_permille, std::uint32_t at_most) {
        std::uint32_t n = 0;
        while (n < at_most && !permille(hit_permille)) ++n;
        return n;
    }

    /// An address of the internet, none of those kept for private networks.
    std::uint32_t public_address();
    /// An address of the host's own networks.
    std::uint32_t private_address() {
        return 10U << 24 | below(64) << 16 | below(256) << 8 | between(1, 254);
    }

  private:
    std::mt19937 engine_;
};

std::string dotted(std::uint32_t address);
/// 10.1.2.0/24, with the bits of the host cleared.
std::string network(std::uint32_t address, unsigned length);
inline std::string host(std::uint32_t address) {
    return network(address, 32);
}

/// One table: built-in chains first, then the others by name, each with its rules.
class Table {
  public:
    struct Policy {
        std::string_view chain, policy;
    };
    Table(std::string_view name, std::initializer_list<Policy> built_in);

    void chain(const std::string& name) { chains_[name]; }
    void rule(const std::string& chain, std::string_view text);
    /// Once more what was last added to this chain.
    void repeat(const std::string& chain);
    [[nodiscard]] std::size_t count() const { return count_; }
    void append_to(std::string& file) const;

  private:
    struct Chain {
        std::string rules;
        std::size_t last = 0;  ///< where the last rule starts
    };
    Chain& find(const std::string& name);

    std::string name_;
    std::vector<std::pair<Policy, Chain>> built_in_;
    std::map<std::string, Chain> chains_;
    std::size_t count_ = 0;
};

// The profiles; see generate.hpp.
std::string generate_server(std::size_t rules, std::uint32_t seed);
std::string generate_kube(std::size_t rules, std::uint32_t seed);
std::string generate_blocklist(std::size_t rules, std::uint32_t seed);

}  // namespace untrack::bench
