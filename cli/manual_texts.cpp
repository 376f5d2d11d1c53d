// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/manual_texts.hpp"

namespace untrack::cli {
namespace {

constexpr ManualText::Row usage{"2",
                                "Wrong usage, or an input or output that cannot be used. A message "
                                "on standard error says which."};
constexpr ManualText::Row bug{"3", "An error of untrack itself. Please report it."};

constexpr std::string_view inputs =
    "A PATH is a file, a directory or - (standard input). Directories are searched for files whose "
    "first line that says "
    "something opens a table of iptables-save or of nft. Whether a file is for iptables, ip6tables "
    "or nft is seen from its "
    "text unless --lang says so.";
constexpr std::string_view json =
    "--format json prints an object for other programs. Its members are described in "
    "command-line.md beside the program's "
    "documentation.";

const ManualText texts[] = {
    {"",
     {"Connection tracking costs memory and time for every packet, and a host whose table is full "
      "drops packets. untrack reads "
      "rulesets of iptables-save and nft, names every rule that makes the kernel track "
      "connections, finds what is wrong in a bypass "
      "(NOTRACK, ct state untracked), and takes chosen services out of connection tracking. It "
      "prints only what is proven for all "
      "packets.",
      "untrack never changes the running kernel. Files are changed by `untrack rewrite --in-place' "
      "alone."},
     {{"0", "Done; of lint: nothing at or above --fail-on."},
      {"1", "Findings, a rewrite that is refused, or rulesets that differ."},
      usage,
      bug,
      {"4", "Undecided, with the reason."}},
     {{"iptables-save | untrack lint",
       "What makes this host track connections, and what is wrong in its bypass."},
      {"untrack rewrite --port 80,443/tcp --diff /etc/iptables/rules.v4",
       "The changes that take a web server out of connection tracking."}}},
    {"lint",
     {inputs,
      "A finding has a code such as UT203, a severity (error, warning or info) and, where it is "
      "about packets, an example packet that "
      "shows it. untrack explain CODE prints what a finding means and what to write instead. The "
      "last lines of the report say for IPv4 "
      "and IPv6 whether the rulesets need connection tracking at all, and by which lines.",
      json},
     {{"0", "No finding at or above --fail-on."},
      {"1", "Findings at or above --fail-on."},
      usage,
      bug},
     {{"nft list ruleset | untrack lint", "Findings in the rules that are loaded."},
      {"untrack lint --fail-on info --select UT1 rules",
       "Fails unless the host runs without connection tracking."},
      {"untrack lint --format text --format json=report.json /etc/iptables",
       "A report for people and one for programs."}}},
    {"rewrite",
     {"Adds the rules that keep a service's packets out of connection tracking in both directions, "
      "and accepts of untracked packets "
      "where the service was accepted before. Everything else in the file keeps its bytes. The new "
      "ruleset is printed only after it "
      "is proven, for all packets, that the service still works and that everything else is "
      "treated as before; else the conversion is "
      "refused, with the packet that would be lost or let in.",
      inputs,
      "--in-place replaces each file atomically when its new text is on the disk; mode, owner, "
      "access lists and labels stay. A second "
      "run changes nothing.",
      json},
     {{"0", "Done, or nothing to do."},
      {"1", "Refused: not provably safe. Nothing is written."},
      usage,
      bug},
     {{"untrack rewrite --port 80,443/tcp --diff rules | patch -p0",
       "Convert a web server's rules."},
      {"untrack rewrite --port 80/tcp --role router --address 198.51.100.2 rules",
       "A service behind this router."},
      {"untrack rewrite --port 53/udp --in-place --backup .orig /etc/sysconfig/iptables",
       "A name server, the old file kept."}}},
    {"verify",
     {"Decides for all packets, in every state of a connection, whether two rulesets do the same. "
      "With --port it decides whether AFTER "
      "is a sound conversion of BEFORE: the services' connections still work in both directions, "
      "nothing new is let in, and everything "
      "else is the same. Every difference comes with a packet. The rulesets may be of different "
      "languages.",
      json},
     {{"0", "The same, or sound."},
      {"1", "Different; packets show how."},
      usage,
      bug,
      {"4", "Undecided, with the reason."}},
     {{"untrack verify /etc/iptables/rules.v4 new.rules",
       "Is the new file the same for every packet?"},
      {"untrack verify rules new.rules --port 80,443/tcp", "Is it a sound conversion?"}}},
    {"trace",
     {"Follows packets through the raw, mangle, nat, filter and security tables and nftables' base "
      "chains, and prints every rule that "
      "they meet. Several files are one host: raw rules in one and filter rules in another work "
      "together.",
      "A packet is written as protocol, source, >, destination, and words: TCP flags, in and out "
      "interfaces, mark and state. The "
      "answer is unknown where it hangs on what a packet does not tell (a set's elements, a "
      "limit).",
      json},
     {{"0", "The packets were followed."}, usage, bug},
     {{"untrack trace --packet 'tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0' rules",
       "A client opens a connection."}}},
    {"explain",
     {"The page of a lint rule says what it finds, what happens to packets, and what to write "
      "instead, with rulesets that show both."},
     {{"0", "Printed."}, usage, bug},
     {{"untrack explain UT203", "By code."}, {"untrack explain one-sided-notrack", "By name."}}},
    {"rules",
     {},
     {{"0", "Printed."}, usage, bug},
     {{"untrack rules --format json", "Every rule, for other programs."}}},
    {"dump",
     {"For developers and for reports of errors: what each stage made of a file. The output has no "
      "stable form."},
     {{"0", "Printed."}, usage, bug},
     {}},
    {"lsp",
     {"Speaks the language server protocol (3.17) over standard input and output. Open rulesets "
      "are linted as they are in the editor, saved or "
      "not: findings are diagnostics, hovering over one shows its page, and its fixes are quick "
      "fixes. Fixes that are not proven for this very "
      "file say so.",
      "The language is seen from the text. An editor may say nft, iptables or ip6tables as the "
      "languageId of what does not look like a "
      "ruleset yet; other documents are left alone."},
     {{"0", "The editor said shutdown and exit."},
      {"1", "The editor went away without a shutdown."},
      {"2", "The input cannot be followed: headers without a Content-Length."},
      bug},
     {}},
};

}  // namespace

std::span<const ManualText> manual_texts() {
    return texts;
}

}  // namespace untrack::cli
