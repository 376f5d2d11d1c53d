// SPDX-License-Identifier: GPL-2.0-or-later
// untrack_generate PROFILE RULES [SEED]: a large ruleset on standard output.
#include <charconv>
#include <cstdio>
#include <cstring>

#include "bench/generate.hpp"

namespace {

template <typename T>
bool number(const char* text, T& value) {
    const char* end = text + std::strlen(text);
    return std::from_chars(text, end, value).ptr == end;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace untrack::bench;
    std::size_t rules = 0;
    std::uint32_t seed = 1;
    auto profile = argc > 1 ? profile_named(argv[1]) : std::nullopt;
    if (argc < 3 || argc > 4 || !profile || !number(argv[2], rules) ||
        (argc == 4 && !number(argv[3], seed))) {
        std::fputs("usage: untrack_generate server|kube|blocklist RULES [SEED]\n", stderr);
        return 2;
    }
    std::string text = generate(*profile, rules, seed);
    bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return whole && std::fflush(stdout) == 0 ? 0 : 1;
}
