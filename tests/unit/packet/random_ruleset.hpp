// SPDX-License-Identifier: GPL-2.0-or-later
// Rulesets and packets made by chance, of everything the model follows: what engines are compared
// on.
#pragma once

#include <random>
#include <string>

#include "packet/packet.hpp"

namespace untrack::test {

class RandomRuleset {
  public:
    RandomRuleset(std::uint32_t seed, model::Family family) : random_(seed), family_(family) {}

    /// A whole file with raw, mangle, nat and filter tables.
    std::string text();
    /// A packet that the rules have something to say about, often.
    packet::Packet packet();

    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  private:
    std::string pick(std::initializer_list<const char*> from) {
        return from.begin()[below(static_cast<std::uint32_t>(from.size()))];
    }
    std::string address();
    std::string matches(const std::string& table, const std::string& chain);
    std::string rule(const std::string& table, const std::string& chain);
    std::string table(const std::string& name);

    std::mt19937 random_;
    model::Family family_;
};

}  // namespace untrack::test
