// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/expressions.hpp"

namespace untrack::parser::nft {

bool match_left_side(Input& in, TreeBuilder& b) {
    return run<grammar::left_side>(in, b);
}

bool match_right_side(Input& in, TreeBuilder& b) {
    return run<grammar::right_side>(in, b);
}

bool match_statement_expression(Input& in, TreeBuilder& b) {
    return run<grammar::statement_expression>(in, b);
}

bool match_selector(Input& in, TreeBuilder& b) {
    return run<grammar::selector>(in, b);
}

}  // namespace untrack::parser::nft
