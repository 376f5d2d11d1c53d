// SPDX-License-Identifier: GPL-2.0-or-later
// Findings that were there before somebody began to look: they are known, and not reported again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace untrack::report {

/// Findings by the file that has them and their fingerprints, which other lines do not change.
class Baseline {
  public:
    /// What json() wrote. The error is a sentence.
    static tl::expected<Baseline, std::string> parse(std::string_view json);
    /// The same findings in whatever order give the same bytes.
    [[nodiscard]] std::string json() const;

    void add(const std::string& path, std::string_view code, std::uint64_t fingerprint);
    /// Whether the finding is known; it counts as seen from here on.
    bool see(const std::string& path, std::uint64_t fingerprint);
    /// The codes of the file's entries that nobody has seen, in order.
    [[nodiscard]] std::vector<std::string> unseen(const std::string& path) const;

  private:
    struct Entry {
        std::string code;
        bool seen = false;
    };
    std::map<std::string, std::map<std::uint64_t, Entry>> files_;
};

}  // namespace untrack::report
