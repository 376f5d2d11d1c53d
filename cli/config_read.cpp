// SPDX-License-Identifier: GPL-2.0-or-later
// The one place that knows TOML: from the text of a configuration file to what it says, or to what
// is wrong with it.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "analyzer/selection.hpp"
#include "base/line_index.hpp"
#include "base/spelling.hpp"
#include "cli/config.hpp"
#include "model/iptables_values.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::cli {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::string_view file_keys[] = {"select", "ignore",   "severity", "fail-on",
                                          "kernel", "services", "per-path"};
constexpr std::string_view section_keys[] = {"paths", "select", "ignore", "severity"};
constexpr std::string_view service_keys[] = {"ports", "role", "address", "iface"};
constexpr std::string_view severities[] = {"info", "warning", "error"};
constexpr std::string_view kernels[] = {"modern", "3.10", "2.6"};
constexpr std::string_view roles[] = {"server", "router"};

std::string listed(Words words) {
    return fmt::format("{}", fmt::join(words.begin(), words.end(), ", "));
}

/// "did you mean fail-on?", or what there is.
std::string meant(std::string_view word, Words words, std::string_view there_are) {
    std::string_view best = nearest(word, words);
    return best.empty() ? fmt::format("{} {}", there_are, listed(words))
                        : fmt::format("did you mean {}?", best);
}

class Reader {
  public:
    Reader(std::string_view text, const std::string& path) : text_(text), lines_(text) {
        config_.path = path;
    }

    tl::expected<Config, std::string> run() {
        auto parsed = toml::parse(text_, config_.path);
        if (parsed) {
            file(parsed.table());
        } else {
            std::string what(parsed.error().description());
            std::replace(what.begin(), what.end(), '\n', ' ');
            auto at = parsed.error().source().begin;
            complain({at, {at.line, at.column + 1}, nullptr}, "this is no TOML: " + what);
        }
        if (problems_.empty()) return std::move(config_);
        std::sort(problems_.begin(), problems_.end());
        std::string all;
        for (const auto& [place, message] : problems_) all += message;
        return tl::make_unexpected(std::move(all));
    }

  private:
    // --- What a file has -------------------------------------------------------------------------

    void file(const toml::table& table) {
        check_keys(table, file_keys, "a configuration");
        rules(table, config_.rules);
        config_.fail_on = one_of(table, "fail-on", severities);
        config_.kernel = one_of(table, "kernel", kernels);
        if (const toml::table* services = block(table, "services", "[services]"))
            read_services(*services);
        const toml::node* sections = table.get("per-path");
        if (sections == nullptr) return;
        const toml::array* array = sections->as_array();
        if (array == nullptr || !std::all_of(array->begin(), array->end(), [](const auto& section) {
                return section.is_table();
            })) {
            complain(*sections, "sections [[per-path]] are wanted, in two pairs of brackets");
            return;
        }
        for (const toml::node& section : *array) per_path(*section.as_table());
    }

    void rules(const toml::table& table, RuleChoice& choice) {
        auto is_rule = [&](const toml::node& node, const std::string& word) {
            if (!analyzer::rules_called(word).empty()) return true;
            complain(node, fmt::format("no lint rule is called `{}': {}", word,
                                       analyzer::nearest_rule(word)));
            return false;
        };
        if (const toml::node* select = table.get("select")) {
            choice.select = list(table, "select", R"(["UT2", "state-match"])", is_rule);
            if (select->is_array() && select->as_array()->empty())
                complain(*select, "this selects nothing: without `select' all rules run");
        }
        choice.ignore = list(table, "ignore", R"(["UT2", "state-match"])", is_rule);
        const toml::table* grades = block(table, "severity", "[severity]");
        if (grades == nullptr) return;
        for (const auto& [key, node] : *grades) {
            std::string word(key.str());
            if (analyzer::rules_called(word).empty()) {
                complain(key.source(), fmt::format("no lint rule is called `{}': {}", word,
                                                   analyzer::nearest_rule(word)));
                continue;
            }
            if (auto grade = one_of(*grades, word, severities))
                choice.severity.emplace_back(word, *grade);
        }
        // Who means fewer rules has the last word, then who comes later.
        auto before = [](const auto& a, const auto& b) {
            std::size_t of_a = analyzer::rules_called(a.first).size();
            std::size_t of_b = analyzer::rules_called(b.first).size();
            return of_a != of_b ? of_a > of_b : a.second.origin.line < b.second.origin.line;
        };
        std::sort(choice.severity.begin(), choice.severity.end(), before);
    }

    void per_path(const toml::table& table) {
        check_keys(table, section_keys, "a section [[per-path]]");
        PerPath section;
        auto is_pattern = [&](const toml::node& node, const std::string& word) {
            if (word.find_first_not_of("/.") != std::string::npos) return true;
            complain(node, "a pattern such as \"generated/*.v4\" is wanted");
            return false;
        };
        for (Sourced& pattern : list(table, "paths", R"(["generated/*.v4"])", is_pattern))
            section.patterns.push_back(std::move(pattern.value));
        if (!table.contains("paths"))
            complain(first_line(table.source()),
                     "this section says no `paths', so it would hold for nothing");
        rules(table, section.rules);
        config_.per_path.push_back(std::move(section));
    }

    void read_services(const toml::table& table) {
        check_keys(table, service_keys, "[services]");
        auto is_service = [&](const toml::node& node, const std::string& word) {
            auto service = rewriter::parse_service(word);
            if (!service) complain(node, service.error());
            return service.has_value();
        };
        config_.ports = list(table, "ports", R"(["80,443/tcp", "53/udp"])", is_service);
        config_.role = one_of(table, "role", roles);
        config_.address = word(table, "address");
        if (config_.address) {
            model::MaskedAddress address;
            bool known = false;
            for (model::Family family : {model::Family::ip, model::Family::ip6})
                known = known || model::parse_masked_address(family, config_.address->value,
                                                             address) == model::AddressParse::ok;
            if (!known)
                complain(*table.get("address"),
                         fmt::format("`{}' is no address and no network", config_.address->value));
        }
        config_.interface = word(table, "iface");
        if (config_.interface && config_.interface->value.empty())
            complain(*table.get("iface"), "the name of an interface is wanted");
    }

    // --- Kinds of values -------------------------------------------------------------------------

    void check_keys(const toml::table& table, Words known, std::string_view where) {
        for (const auto& [key, node] : table)
            if (std::find(known.begin(), known.end(), key.str()) == known.end())
                complain(key.source(), fmt::format("{} has no key `{}': {}", where, key.str(),
                                                   meant(key.str(), known, "its keys are")));
    }

    [[nodiscard]] Origin origin(const toml::node& node) const {
        return {config_.path, node.source().begin.line, {}};
    }

    const toml::table* block(const toml::table& table, std::string_view key,
                             std::string_view spelled) {
        const toml::node* node = table.get(key);
        if (node != nullptr && !node->is_table())
            complain(*node, fmt::format("a table {} is wanted", spelled));
        return node == nullptr ? nullptr : node->as_table();
    }

    /// A list of words; those that `check` refuses (it complains) are left out.
    template <typename Check>
    std::vector<Sourced> list(const toml::table& table, std::string_view key,
                              std::string_view example, Check check) {
        std::vector<Sourced> out;
        const toml::node* node = table.get(key);
        if (node == nullptr) return out;
        const toml::array* array = node->as_array();
        if (array == nullptr) {
            complain(*node, fmt::format("`{}' is a list, such as {}", key, example));
            return out;
        }
        for (const toml::node& element : *array) {
            if (const auto* text = element.as_string(); text == nullptr) {
                complain(element, fmt::format("`{}' is a list of words in quotation marks, such "
                                              "as {}",
                                              key, example));
            } else if (check(element, text->get())) {
                out.push_back({text->get(), origin(element)});
            }
        }
        return out;
    }

    std::optional<Sourced> word(const toml::table& table, std::string_view key) {
        const toml::node* node = table.get(key);
        if (node == nullptr) return std::nullopt;
        if (const auto* text = node->as_string()) return Sourced{text->get(), origin(*node)};
        complain(*node, fmt::format("`{}' is a word in quotation marks", key));
        return std::nullopt;
    }

    std::optional<Sourced> one_of(const toml::table& table, std::string_view key, Words words) {
        const toml::node* node = table.get(key);
        if (node == nullptr) return std::nullopt;
        const auto* text = node->as_string();
        if (text != nullptr && std::find(words.begin(), words.end(), text->get()) != words.end())
            return Sourced{text->get(), origin(*node)};
        complain(*node, text == nullptr
                            ? fmt::format("`{}' is one of the words {}, in quotation marks", key,
                                          listed(words))
                            : fmt::format("`{}' is no value for `{}': {}", text->get(), key,
                                          meant(text->get(), words, "there are")));
        return std::nullopt;
    }

    // --- What is wrong ---------------------------------------------------------------------------

    /// A header's region is all of its section.
    static toml::source_region first_line(toml::source_region region) {
        region.end = {region.begin.line + 1, 1};
        return region;
    }

    void complain(const toml::node& node, const std::string& what) {
        complain(node.source(), what);
    }

    void complain(const toml::source_region& region, const std::string& what) {
        auto begin = region.begin;
        TextRange at;
        if (begin.line <= lines_.line_count()) at = lines_.line(begin.line);
        std::string line(text_.substr(at.begin, at.size()));
        for (char& c : line)
            if (static_cast<unsigned char>(c) < ' ') c = ' ';
        // Columns are characters.
        std::size_t column = begin.column - 1;
        std::size_t width = 0;
        if (region.end.line == begin.line && region.end.column > begin.column) {
            width = region.end.column - begin.column;
        } else {
            auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; };
            auto all = static_cast<std::size_t>(std::count_if(line.begin(), line.end(), starts));
            width = all > column ? all - column : 1;
        }
        problems_.emplace_back(
            std::pair{begin.line, begin.column},
            fmt::format("{}:{}:{}: error: {}\n{:>6} | {}\n       | {}^{}\n", config_.path,
                        begin.line, begin.column, what, begin.line, line, std::string(column, ' '),
                        std::string(width - 1, '~')));
    }

    std::string_view text_;
    LineIndex lines_;
    Config config_;
    std::vector<std::pair<std::pair<std::uint32_t, std::uint32_t>, std::string>> problems_;
};

}  // namespace

tl::expected<Config, std::string> parse_config(std::string_view text, const std::string& path) {
    return Reader(text, path).run();
}

}  // namespace untrack::cli
