// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <set>

#include "analyzer/context.hpp"
#include "parser/iptables/syntax.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;
namespace nft = parser::nft;

namespace {

/// A release of Linux: 2, 634 is 2.6.34.
struct Release {
    unsigned major, minor;
    friend auto operator<=>(const Release&, const Release&) = default;
};

std::string text(Release r) {
    return r.major == 2 ? fmt::format("2.6.{}", r.minor - 600)
                        : fmt::format("{}.{}", r.major, r.minor);
}

/// None: Linux 4.9 and everything newer.
std::optional<Release> release_of(model::KernelProfile kernel) {
    switch (kernel) {
        case model::KernelProfile::rhel6_2_6:
            return Release{2, 632};
        case model::KernelProfile::rhel7_3_10:
            return Release{3, 10};
        case model::KernelProfile::modern:
            break;
    }
    return std::nullopt;
}

struct Extension {
    ipt::ExtensionKind kind;
    std::string_view name;
    ipt::Families families;
    Release since;
};
constexpr Extension extensions[] = {
#define XT(kind, name, families, major, minor) \
    {ipt::ExtensionKind::kind, name, ipt::Families::families, {major, minor}},
#define NFT(kind, words, kernel, tool)
#include "analyzer/first_versions.def"
#undef XT
#undef NFT
};

struct NftPart {
    nft::Kind kind;
    std::string_view words, kernel, tool;
};
constexpr NftPart nft_parts[] = {
#define XT(kind, name, families, major, minor)
#define NFT(kind, words, kernel, tool) {nft::Kind::kind, words, kernel, tool},
#include "analyzer/first_versions.def"
#undef XT
#undef NFT
};

constexpr Release nf_tables{3, 13};

std::string instead(const Extension& e) {
    if (e.name == "CT") return "; for NOTRACK write `-j NOTRACK'";
    if (e.families == ipt::Families::ip6 && e.since == Release{3, 7})
        return ": there is no NAT of IPv6 before";
    return "";
}

}  // namespace

void ut507(const FileContext& file, const ipt::SyntaxTree& tree, Reporter& report) {
    auto kernel = release_of(file.kernel);
    if (!kernel) return;
    std::set<std::string_view> said;
    for (const ipt::Line& line : tree.lines) {
        if (line.kind != ipt::LineKind::command) continue;
        for (const ipt::Option& o : tree.options_of(line)) {
            bool match = o.key == ipt::key(ipt::Base::match);
            if (!match && o.key != ipt::key(ipt::Base::jump)) continue;
            std::string_view name = tree.plain_value(o);
            for (const Extension& e : extensions) {
                if (e.name != name || match != (e.kind == ipt::ExtensionKind::match) ||
                    e.since <= *kernel ||
                    (e.families == ipt::Families::ip6 &&
                     file.ruleset.family != model::Family::ip6) ||
                    !said.insert(e.name).second)
                    continue;
                report.add_text(ipt::OptionWords::whole(tree, line, o),
                                fmt::format("`{}' came with Linux {}, and {} has it only where a "
                                            "vendor has put it in{}",
                                            name, text(e.since), text(*kernel), instead(e)));
            }
        }
    }
}

void ut507_nft(const FileContext& file, const nft::SyntaxTree& tree, Reporter& report) {
    if (auto kernel = release_of(file.kernel)) {
        for (const nft::Node& node : tree.nodes)
            if (node.kind == nft::Kind::table)
                return static_cast<void>(report.add_text(
                    node.range(), fmt::format("nftables came with Linux {}: {} has it only where "
                                              "a vendor has put it in",
                                              text(nf_tables), text(*kernel))));
        return;
    }
    std::set<std::string_view> said;
    auto tell = [&](TextRange range, std::string_view words, std::string_view linux_has,
                    std::string_view tool) {
        if (!said.insert(words).second) return;
        report.add_text(range, fmt::format("{} needs Linux {} and nft {}: older ones refuse the "
                                           "file",
                                           words, linux_has, tool));
    };
    for (const nft::Node& node : tree.nodes) {
        if (node.kind == nft::Kind::command &&
            static_cast<nft::Verb>(node.detail) == nft::Verb::destroy)
            tell(node.range(), "`destroy'", "6.3", "1.0.7");
        for (const NftPart& part : nft_parts)
            if (node.kind == part.kind) tell(node.range(), part.words, part.kernel, part.tool);
    }
}

}  // namespace untrack::analyzer
