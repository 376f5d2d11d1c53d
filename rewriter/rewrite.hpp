// SPDX-License-Identifier: GPL-2.0-or-later
// Takes services out of connection tracking: NOTRACK for both directions in raw, and accepts of
// UNTRACKED beside the rules that accepted the service. Only insertions; every conversion is
// proven for all packets before anyone sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "base/text_edit.hpp"
#include "model/ruleset_text.hpp"
#include "packet/service.hpp"
#include "parser/iptables/syntax.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::rewriter {

using packet::Role;
using packet::Service;
/// "80,443/tcp", "8000-8010/udp", "https/tcp". The error is a sentence.
tl::expected<Service, std::string> parse_service(std::string_view text);
/// The same in words: "80,8000-8010/tcp".
std::string to_words(const Service& service);

struct Request {
    std::vector<Service> services;
    Role role = Role::server;
    std::optional<model::MaskedAddress> address;  ///< the service's own
    model::Family address_family = model::Family::ip;
    std::string address_text;      ///< as it was given
    std::string interface;         ///< where its questions come in; empty: anywhere
    bool legacy_target = false;    ///< NOTRACK instead of CT --notrack
    std::set<std::string> forced;  ///< codes of refusals that are taken on
};

/// Why a conversion is refused, or what it leaves open.
struct Reason {
    std::string code;  ///< the lint rule that names the danger
    std::string message;
    std::uint32_t offset = 0;  ///< the place in the file
    std::optional<packet::Packet> witness;
    std::uint32_t line = 0;  ///< of the place, from 1, once somebody has counted; 0: of no line
};

enum class Status : std::uint8_t { rewritten, unchanged, refused };

struct Outcome {
    Status status = Status::unchanged;
    std::vector<TextEdit> edits;  ///< sorted; insertions of whole lines
    std::vector<Reason> reasons;  ///< of a refusal
    std::vector<Reason> forced;   ///< those that would have been, were they not forced
    std::vector<Service> idle;    ///< ports to which nothing connects: left as they are
    std::vector<Reason> residue;  ///< what an untracked service leaves open by nature
};

/// The codes a conversion may be refused with, that Request::forced may name.
std::span<const std::string_view> refusal_codes();

/// The tree and the ruleset are of the same file, without syntax errors.
Outcome rewrite(const parser::iptables::SyntaxTree& tree, const model::Ruleset& ruleset,
                const Request& request);

/// Of nftables text, without syntax errors, as the packets of one family meet it, or of both.
Outcome rewrite(const parser::nft::SyntaxTree& tree,
                const std::vector<const model::RulesetText*>& views, const Request& request);

}  // namespace untrack::rewriter
