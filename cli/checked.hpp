// SPDX-License-Identifier: GPL-2.0-or-later
// One file with what the lint rules find in it.
#pragma once

#include <memory>
#include <vector>

#include "analyzer/driver.hpp"
#include "cli/input.hpp"

namespace untrack::cli {

/// How a file is linted.
struct Checks {
    analyzer::Selection selection;
    model::KernelProfile kernel = model::KernelProfile::modern;
    analyzer::Extent extent = analyzer::Extent::host;
    bool proves_spelling = true;  ///< FileContext::proves_spelling
};

/// A file that was read and linted; it does not move.
struct Checked {
    std::unique_ptr<Input> input;
    std::unique_ptr<analyzer::Findings> findings;
    std::vector<std::vector<model::ConntrackUse>> uses;  ///< by view
};

/// A file as the packets of each of its families meet it.
using Contexts = std::vector<std::unique_ptr<analyzer::FileContext>>;
Contexts contexts(const Input& input, const Checks& checks, std::size_t threads);

/// Lints with several threads if the file is worth it.
Checked check(std::unique_ptr<Input> input, const Checks& checks, std::size_t threads);

}  // namespace untrack::cli
