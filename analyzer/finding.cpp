// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/finding.hpp"

namespace untrack::analyzer {

std::string_view name(Severity severity) {
    switch (severity) {
        case Severity::info:
            return "info";
        case Severity::warning:
            return "warning";
        case Severity::error:
            return "error";
    }
    return {};
}

}  // namespace untrack::analyzer
