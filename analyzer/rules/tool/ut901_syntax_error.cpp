// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut901(const FileContext& file, Reporter& report) {
    for (const model::TextError& error : file.text.errors()) report.add(error.range, error.message);
}

}  // namespace untrack::analyzer
