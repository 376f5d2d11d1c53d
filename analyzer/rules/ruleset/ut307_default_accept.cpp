// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {

void ut307(const FileContext& file, Reporter& report) {
    for (const packet::OpenEnd& end : file.coverage().open_ends) {
        const model::Chain& chain = file.ruleset.chain(end.chain);
        Finding& finding = report.add_text(
            chain.declared,
            fmt::format(
                "what no rule of {} decides is accepted, for example {}: refuse the rest at "
                "its end, or set the policy to {}",
                chain.name, packet::to_words(end.packet), file.words("DROP", "drop")));
        report.details(finding).witness = end.packet;
    }
}

}  // namespace untrack::analyzer
