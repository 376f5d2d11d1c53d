// SPDX-License-Identifier: GPL-2.0-or-later
// The grammars cannot loop without progress.
#include <gtest/gtest.h>
#include <tao/pegtl/contrib/analyze.hpp>

#include "parser/nft/commands.hpp"

using namespace untrack::parser::nft;

TEST(NftGrammar, EveryLoopMakesProgress) {
    EXPECT_EQ(tao::pegtl::analyze<grammar::left_side>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::right_side>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::statement_expression>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::set_body_in_braces>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::element>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::keyword_statement>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::selector_statement>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::table_item>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::chain_item>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::set_item>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::flowtable_item>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::object_item>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::items<>>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<grammar::command>(), 0U);
}
