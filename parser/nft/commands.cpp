// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/commands.hpp"

namespace untrack::parser::nft {

bool match_known_statements(Input& in, TreeBuilder& b) {
    std::size_t first = b.nodes.size();
    if (!match_rule_statements(in, b)) return false;
    return b.nodes[first].kind != Kind::opaque && b.nodes[first].kind != Kind::error;
}

bool match_rest(Input& in, TreeBuilder& b) {
    const char* p = b.token(in);
    const char* end = end_of_wrong_rule(in, b, p);
    if (end != p) b.push(in, Kind::opaque, p, end);
    TreeBuilder::go_to(in, end);
    return true;
}

bool match_command(Input& in, TreeBuilder& b) {
    return run<called<"a command such as table or add rule", grammar::command>>(in, b);
}

}  // namespace untrack::parser::nft
