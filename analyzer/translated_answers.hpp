// SPDX-License-Identifier: GPL-2.0-or-later
// Answers of flows that NAT translates: a NOTRACK rule that takes them along keeps them from being
// translated back, and the flow is dead, though its questions are tracked.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "analyzer/witness.hpp"

namespace untrack::analyzer {

/// A flow that works while it is tracked, and its first answer, which is not.
struct TakenAnswer {
    packet::Packet question;  ///< as it came, before translation
    packet::Packet answer;    ///< as it comes back, before it is translated back
    model::RuleId nat;
};

/// The NAT rules of one side, ready to be asked which of their flows lose answers.
class TranslatedAnswers {
  public:
    enum class Side : std::uint8_t {
        destination,  ///< DNAT, REDIRECT
        source,       ///< SNAT, MASQUERADE, of forwarded packets
    };
    TranslatedAnswers(const FileContext& file, Side side);

    /// A flow whose answer the NOTRACK rule takes; none when there is none, or it is not found
    /// among the first NAT rules that may speak of the same ports.
    [[nodiscard]] std::optional<TakenAnswer> taken_by(const RulePath& notrack) const;

  private:
    struct Nat {
        RulePath path;
        model::Translation gives;
    };
    [[nodiscard]] std::optional<TakenAnswer> flow(const RulePath& notrack, const Nat& nat) const;
    [[nodiscard]] bool may_come_back_to(const RulePath& notrack,
                                        const model::Translation& gives) const;
    /// The NAT rules to try, in the order of the file.
    [[nodiscard]] std::vector<std::uint32_t> beside(const RulePath& notrack) const;

    const FileContext& file_;
    Side side_;
    std::vector<Nat> rules_;
    std::unordered_map<std::uint16_t, std::vector<std::uint32_t>>
        by_port_;                       ///< of the answers' source
    std::vector<std::uint32_t> other_;  ///< with any port, or too many to name
    /// Accepts of the filter table that forwarded or incoming packets meet: the first ones.
    std::vector<RulePath> accepts_;
};

}  // namespace untrack::analyzer
