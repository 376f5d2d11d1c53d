// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/generate.hpp"

#include "bench/ruleset_writer.hpp"

namespace untrack::bench {

std::optional<Profile> profile_named(std::string_view name) {
    if (name == "server") return Profile::server;
    if (name == "kube") return Profile::kube;
    if (name == "blocklist") return Profile::blocklist;
    return std::nullopt;
}

std::string generate(Profile profile, std::size_t rules, std::uint32_t seed) {
    switch (profile) {
        case Profile::server:
            return generate_server(rules, seed);
        case Profile::kube:
            return generate_kube(rules, seed);
        case Profile::blocklist:
            return generate_blocklist(rules, seed);
    }
    return {};
}

}  // namespace untrack::bench
