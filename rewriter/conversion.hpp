// SPDX-License-Identifier: GPL-2.0-or-later
// The plan of a conversion, whatever language the ruleset is written in: which rules get a copy for
// UNTRACKED packets, from the smallest edit upward, until the proof passes. How rules are spelled
// and where they stand is each language's own.
#pragma once

#include <string>
#include <vector>

#include "model/ruleset_text.hpp"
#include "rewriter/gate.hpp"
#include "rewriter/rewrite.hpp"
#include "rewriter/traffic.hpp"

namespace untrack::rewriter {

/// Which packets of a TCP service an added rule is for.
enum class Part : std::uint8_t {
    all,
    first,  ///< SYN without ACK
    later,  ///< the rest
};

/// A rule for packets over lo: where they come in, or where they leave.
enum class Loopback : std::uint8_t { no, in, out };

/// How the copy of a rule differs from it.
struct CopyOptions {
    const Service* service;
    bool answer = false;
    Part part = Part::all;
    bool without_limits = false;  ///< leaves out limit and hashlimit
    bool without_flags = false;   ///< leaves out tests of TCP flags
    bool has_ports = false;       ///< the rule asks for no port but the service's
    std::string in_or_out;        ///< further addresses or interfaces, as the language spells them
};

class Conversion {
  public:
    /// The file as the packets of one family meet it, or of two.
    Conversion(const std::vector<const model::RulesetText*>& views, const Request& request);
    virtual ~Conversion() = default;
    Conversion(const Conversion&) = delete;
    Conversion& operator=(const Conversion&) = delete;

    Outcome run();

  protected:
    struct View {
        const model::RulesetText* text;
        model::Ruleset before;        ///< with target texts
        std::vector<Service> served;  ///< those to which a flow opens in this family
        bool chosen = true;           ///< the service's address is of this family
    };

    /// What stands against the conversion of this view before a rule is written.
    virtual std::vector<Reason> refusals() = 0;
    /// NOTRACK for both directions.
    virtual void add_notrack() = 0;
    /// Puts a copy of the rule for UNTRACKED packets beside it.
    virtual void put_beside(const model::Rule& rule, const CopyOptions& options) = 0;
    /// Accepts of ICMP errors, which are INVALID when they are about untracked flows.
    virtual void add_error_accepts(model::Hook hook) = 0;
    /// From where questions are let in, as conditions for a copy of `beside`.
    virtual std::vector<std::string> ways(const Traffic& traffic, const model::Rule& beside) = 0;
    [[nodiscard]] virtual std::string device(Loopback over) const = 0;
    /// A rule of the model that is a part of what another one's copy says.
    [[nodiscard]] virtual bool is_part_of_another(const model::Rule& /*rule*/) const {
        return false;
    }
    /// What the rule does to each packet that it would do to each connection.
    [[nodiscard]] virtual bool acts_on_each(const model::Rule& /*rule*/) const { return false; }
    /// The insertions as edits, sorted.
    virtual std::vector<TextEdit> edits() = 0;
    virtual void forget_insertions() = 0;

    /// The view that is being converted.
    [[nodiscard]] const model::Ruleset& r() const { return view_->text->ruleset; }
    [[nodiscard]] const model::RulesetText& text() const { return *view_->text; }
    void reason(std::string code, std::string message, std::uint32_t offset);
    [[nodiscard]] std::uint32_t offset_of(const model::Rule& rule) const {
        return text().range(rule).begin;
    }
    /// Whether this host passes packets on: unless FORWARD surely drops everything, NOTRACK is
    /// bound to what is meant.
    [[nodiscard]] bool may_forward() const;
    [[nodiscard]] bool is_last_view() const { return view_ == &views_.back(); }

    Request request_;

  private:
    struct Candidate;
    struct Visit;

    void leave_idle_ports();
    Outcome refuse();
    void add_reasons(std::vector<Reason> reasons);
    void choose_copied(bool each_port);
    void add_accepts(bool loopback);
    void copy_rules(model::Hook hook, const Visit& visit);
    void copy_rule(const model::Rule& rule, const Visit& visit);
    void put_for_each_way(const model::Rule& rule, CopyOptions copy, const Traffic& traffic);
    [[nodiscard]] Verdict judged(const View& view, const model::Ruleset& after) const;

    std::vector<View> views_;
    const View* view_ = nullptr;
    bool later_at_established_ = false;
    std::vector<Service> copied_;  ///< services as the copies of rules speak of them
    bool counts_again_ = false;    ///< a limit has got a copy for SYNs
    Outcome out_;
};

}  // namespace untrack::rewriter
