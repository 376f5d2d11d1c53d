// SPDX-License-Identifier: GPL-2.0-or-later
// Manual pages in the man(7) macros.
#include <algorithm>
#include <cctype>
#include <fmt/format.h>

#include "cli/definition.hpp"
#include "cli/manual_texts.hpp"

namespace untrack::cli {
namespace {

/// Text that troff prints as it is.
std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
        bool starts_line = out.empty() || out.back() == '\n';
        if (starts_line && (c == '.' || c == '\'')) out += "\\&";
        switch (c) {
            case '\\':
                out += "\\e";
                break;
            case '-':
                out += "\\-";
                break;
            case '`':
                out += "\\(ga";
                break;
            case '\'':
                out += "\\(aq";
                break;
            case '^':
                out += "\\(ha";
                break;
            case '~':
                out += "\\(ti";
                break;
            default:
                out += c;
        }
    }
    return out;
}

/// Running text: a line for each sentence, as troff wants it, and none of them long.
std::string prose(std::string_view text) {
    constexpr std::size_t width = 76;
    std::string out;
    std::string line;
    auto end_line = [&] {
        out += (out.empty() ? "" : "\n") + escaped(line);
        line.clear();
    };
    for (const std::string& word : CLI::detail::split(std::string(text), ' ')) {
        if (!line.empty() && line.size() + 1 + word.size() > width) end_line();
        if (!line.empty()) line += ' ';
        line += word;
        if (word.ends_with('.') && word.size() > 1) end_line();
    }
    if (!line.empty()) end_line();
    return out;
}

std::string bold(std::string_view text) {
    return fmt::format("\\fB{}\\fR", escaped(text));
}

std::string italic(std::string_view text) {
    return fmt::format("\\fI{}\\fR", escaped(text));
}

/// "untrack-lint".
std::string page_name(const Command& command) {
    return command.name.empty() ? "untrack" : "untrack-" + command.name;
}

std::string capitals(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

/// Values that are chosen from a few words are bold like what is typed.
std::string value_text(const Argument& argument) {
    if (argument.values != Values::choices || argument.value.find('|') == std::string::npos)
        return italic(argument.value);
    return bold(argument.value);
}

class Page {
  public:
    Page(const Definition& definition, const Command& command)
        : definition_(definition), command_(command) {
        for (const ManualText& text : manual_texts())
            if (text.subcommand == command.name) text_ = &text;
    }

    std::string write() {
        out_ = fmt::format(".TH {} 1 {} \"untrack {}\" \"User Commands\"\n",
                           capitals(page_name(command_)), UNTRACK_DATE, UNTRACK_VERSION);
        out_ += ".\\\" Written by untrack itself; the sources are in cli/.\n";
        section("NAME");
        std::string summary = command_.summary;
        if (summary.ends_with('.')) summary.pop_back();
        line("{} \\- {}", escaped(page_name(command_)), escaped(summary));
        synopsis();
        if (text_ != nullptr && !text_->paragraphs.empty()) {
            section("DESCRIPTION");
            paragraphs();
        }
        if (command_.name.empty()) commands();
        options();
        if (text_ != nullptr) {
            rows("EXIT STATUS", text_->exit_codes);
            examples();
        }
        see_also();
        return std::move(out_);
    }

  private:
    template <typename... T>
    void line(fmt::format_string<T...> text, T&&... values) {
        out_ += fmt::format(text, std::forward<T>(values)...);
        out_ += '\n';
    }
    void section(std::string_view name) { line(".SH {}", name); }

    void synopsis() {
        section("SYNOPSIS");
        if (command_.name.empty()) {
            line("\\fBuntrack\\fR [\\fIOPTION\\fR]... \\fISUBCOMMAND\\fR [\\fIARGUMENT\\fR]...");
            return;
        }
        std::string text =
            fmt::format("\\fBuntrack {}\\fR [\\fIOPTION\\fR]...", escaped(command_.name));
        for (const Argument& a : command_.arguments) {
            if (a.has_name() && !a.required) continue;
            std::string one =
                a.has_name() ? bold(a.names.back()) + " " + value_text(a) : italic(a.value);
            text += a.required ? " " + one : " [" + one + "]";
            if (a.repeatable) text += "...";
        }
        line("{}", text);
    }

    void paragraphs() {
        bool first = true;
        for (std::string_view paragraph : text_->paragraphs) {
            if (!first) line(".PP");
            first = false;
            line("{}", prose(paragraph));
        }
    }

    void commands() {
        section("SUBCOMMANDS");
        for (const Command& sub : definition_.subcommands) {
            line(".TP\n{}", bold(sub.name));
            line("{}\nSee \\fBuntrack\\-{}\\fR(1).", prose(sub.summary + "."), escaped(sub.name));
        }
    }

    void options() {
        section("OPTIONS");
        for (const Argument& a : command_.arguments) {
            std::string names;
            for (const std::string& name : a.names)
                names += (names.empty() ? "" : ", ") + bold(name);
            if (a.takes_value()) names += (names.empty() ? "" : " ") + value_text(a);
            std::string description = a.description;
            if (!description.empty() && !description.ends_with('.')) description += '.';
            line(".TP\n{}", names);
            line("{}", prose(description));
            if (!a.preset.empty()) line("Default: {}.", bold(a.preset));
        }
    }

    void rows(std::string_view name, const std::vector<ManualText::Row>& list) {
        if (list.empty()) return;
        section(name);
        for (const ManualText::Row& row : list)
            line(".TP\n{}\n{}", bold(row.left), prose(row.right));
    }

    void examples() { rows("EXAMPLES", text_->examples); }

    void see_also() {
        section("SEE ALSO");
        std::vector<std::string> pages;
        if (!command_.name.empty()) pages.emplace_back("\\fBuntrack\\fR(1)");
        for (const Command& sub : definition_.subcommands)
            if (sub.name != command_.name)
                pages.push_back(fmt::format("\\fBuntrack\\-{}\\fR(1)", escaped(sub.name)));
        pages.emplace_back("\\fBiptables\\-save\\fR(8)");
        pages.emplace_back("\\fBnft\\fR(8)");
        pages.emplace_back("\\fBconntrack\\fR(8)");
        for (std::size_t i = 0; i < pages.size(); ++i)
            line("{}{}", pages[i], i + 1 < pages.size() ? "," : "");
    }

    const Definition& definition_;
    const Command& command_;
    const ManualText* text_ = nullptr;
    std::string out_;
};

}  // namespace

std::string manual_page(const Definition& definition, const Command& command) {
    return Page(definition, command).write();
}

}  // namespace untrack::cli
