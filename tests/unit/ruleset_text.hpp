// SPDX-License-Identifier: GPL-2.0-or-later
// A ruleset from its text, for tests: everything that refers to the text stays with it.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "base/source_file.hpp"
#include "model/iptables_text.hpp"
#include "model/lower_iptables.hpp"
#include "model/lower_nft.hpp"

namespace untrack::test {

struct Loaded {
    SourceFile file;
    parser::iptables::SyntaxTree tree;
    model::Ruleset ruleset;

    explicit Loaded(std::string_view text, model::Family family = model::Family::ip)
        : file(SourceFile::from_text("test.iptables", text)),
          tree(parser::iptables::parse(file.text())),
          ruleset(model::lower(tree, {family, file.path()})) {}
};

/// With the targets' texts, as comparisons and proofs need them.
struct WithTexts : Loaded {
    explicit WithTexts(std::string_view text) : Loaded(text) {
        ruleset = model::lower(tree, {model::Family::ip, file.path(), true});
    }
};

/// nftables text as packets of one family meet it.
struct LoadedNft {
    SourceFile file;
    parser::nft::SyntaxTree tree;
    model::Ruleset ruleset;

    explicit LoadedNft(std::string_view text, model::Family family = model::Family::ip)
        : file(SourceFile::from_text("test.nft", text)),
          tree(parser::nft::parse(file.text())),
          ruleset(model::lower(tree, {family, file.path(), true})) {}
};

/// The text with its first `from` replaced, which must be there.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
    std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return text;
}

}  // namespace untrack::test
