// SPDX-License-Identifier: GPL-2.0-or-later
// A report on its way to its sink.
#pragma once

#include <cstddef>
#include <string>

#include "report/lint_report.hpp"

namespace untrack::report {

/// Hands on what `text` has when it is worth a write, and at the end the rest.
class Buffered {
  public:
    explicit Buffered(const Sink& sink) : sink_(sink) {}

    std::string text;

    /// After each element.
    void may_write() {
        constexpr std::size_t enough = 1U << 18U;
        if (text.size() > enough) write();
    }
    void write() {
        sink_(text);
        text.clear();
    }

  private:
    const Sink& sink_;
};

}  // namespace untrack::report
