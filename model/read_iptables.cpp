// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/read_iptables.hpp"

#include "base/parallel.hpp"
#include "model/guess_family.hpp"
#include "model/lower_iptables.hpp"
#include "parser/iptables/pieces.hpp"

namespace untrack::model {

namespace ipt = parser::iptables;

namespace {

Family family_of(const ReadOptions& options, const ipt::SyntaxTree& tree) {
    return options.family ? *options.family : guess_family(options.path, tree).family;
}

void read_in_pieces(std::string_view text, const ReadOptions& options, ipt::SyntaxTree& tree,
                    Ruleset& ruleset) {
    const std::vector<std::uint32_t> ends = ipt::piece_ends(text, options.piece_size);
    ipt::reserve_for(tree, text.size());
    ipt::TreeJoiner joiner(tree, text);
    std::optional<GradualLowering> lowering;
    in_order(
        ends.size(), options.threads,
        [&](std::size_t i) {
            return ipt::parse_piece(text, {i == 0 ? 0 : ends[i - 1], ends[i]});
        },
        [&](std::size_t i, ipt::SyntaxTree&& piece) {
            joiner.append(std::move(piece));
            // Else the whole tree is needed first. Real files settle it in the first piece.
            if (i == 0 && joiner.begins_with_table() &&
                (options.family || guess_family(options.path, tree).settled))
                lowering.emplace(tree, LowerOptions{family_of(options, tree), options.path});
            if (lowering) lowering->read_new_lines();
        });
    joiner.finish();
    ruleset = lowering ? lowering->finish() : lower(tree, {family_of(options, tree), options.path});
}

}  // namespace

void read(std::string_view text, const ReadOptions& options, ipt::SyntaxTree& tree,
          Ruleset& ruleset) {
    if (options.threads > 1 && text.size() > options.piece_size)
        return read_in_pieces(text, options, tree, ruleset);
    tree = ipt::parse(text);
    ruleset = lower(tree, {family_of(options, tree), options.path});
}

}  // namespace untrack::model
