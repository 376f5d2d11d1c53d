// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes: the tree's leaves put together are the input, and lowering survives whatever the
// parser made of it.
#include <cstdint>
#include <cstdlib>

#include "model/guess_family.hpp"
#include "model/lower_iptables.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace untrack;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    parser::iptables::SyntaxTree tree = parser::iptables::parse(text);
    if (parser::iptables::print(tree) != text) std::abort();
    model::guess_family("fuzz", tree);
    for (model::Family family : {model::Family::ip, model::Family::ip6})
        model::lower(tree, {family, "fuzz"});
    return 0;
}
