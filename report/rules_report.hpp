// SPDX-License-Identifier: GPL-2.0-or-later
// The registry of lint rules as people and programs read it.
#pragma once

#include <string>

namespace untrack::report {

/// A line for each rule.
std::string rules_text();
/// One object of the contract, a line for each rule.
std::string rules_json();
/// The table of docs/rules/README.md, with links to the pages beside it.
std::string rules_markdown();

}  // namespace untrack::report
