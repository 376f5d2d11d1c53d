// SPDX-License-Identifier: GPL-2.0-or-later
// What kinds of values options of extensions take, for options that the model does not interpret:
// whether iptables 1.8.9 takes a text, and what to say when it does not. What depends on the host
// (names of hosts, users, services, sets) is taken.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/ruleset.hpp"

namespace untrack::model {

/// One kind of value, with its limits. Which members hold depends on `accepts`.
struct ValueKind {
    using Accepts = bool (*)(const ValueKind& kind, Family family, std::string_view text);
    Accepts accepts = nullptr;  ///< none: any text will do
    std::uint64_t min = 0;
    std::uint64_t max = 0;
    std::string_view words;     ///< separated by blanks
    std::string_view expected;  ///< what to write instead; empty: follows from the other members
};

/// What to write instead of a value that is refused: "a number from 0 to 63".
std::string expectation(const ValueKind& kind);

namespace values {

bool is_number(const ValueKind& kind, Family family, std::string_view text);
bool is_number_range(const ValueKind& kind, Family family, std::string_view text);
bool is_ordered_range(const ValueKind& kind, Family family, std::string_view text);
bool is_queue_range(const ValueKind& kind, Family family, std::string_view text);
bool is_fraction(const ValueKind& kind, Family family, std::string_view text);
bool is_text(const ValueKind& kind, Family family, std::string_view text);
bool is_word(const ValueKind& kind, Family family, std::string_view text);
bool is_word_in_any_case(const ValueKind& kind, Family family, std::string_view text);
bool is_list(const ValueKind& kind, Family family, std::string_view text);
bool is_list_with_gaps(const ValueKind& kind, Family family, std::string_view text);
bool is_list_in_any_case(const ValueKind& kind, Family family, std::string_view text);
bool is_gappy_list_in_any_case(const ValueKind& kind, Family family, std::string_view text);
bool is_mark(const ValueKind& kind, Family family, std::string_view text);
bool is_number_or_name_with_mask(const ValueKind& kind, Family family, std::string_view text);
bool is_tos(const ValueKind& kind, Family family, std::string_view text);
bool is_log_level(const ValueKind& kind, Family family, std::string_view text);
bool is_host(const ValueKind& kind, Family family, std::string_view text);
bool is_network(const ValueKind& kind, Family family, std::string_view text);
bool is_prefix(const ValueKind& kind, Family family, std::string_view text);
bool is_label(const ValueKind& kind, Family family, std::string_view text);
bool is_tests_of_words(const ValueKind& kind, Family family, std::string_view text);
bool is_port(const ValueKind& kind, Family family, std::string_view text);
bool is_port_range(const ValueKind& kind, Family family, std::string_view text);
bool is_protocol(const ValueKind& kind, Family family, std::string_view text);
bool is_ethernet_address(const ValueKind& kind, Family family, std::string_view text);
bool is_rate(const ValueKind& kind, Family family, std::string_view text);
bool is_hash_rate(const ValueKind& kind, Family family, std::string_view text);
bool is_hash_burst(const ValueKind& kind, Family family, std::string_view text);
bool is_mss(const ValueKind& kind, Family family, std::string_view text);
bool is_time(const ValueKind& kind, Family family, std::string_view text);
bool is_date(const ValueKind& kind, Family family, std::string_view text);
bool is_weekdays(const ValueKind& kind, Family family, std::string_view text);
bool is_monthdays(const ValueKind& kind, Family family, std::string_view text);
bool is_hex_string(const ValueKind& kind, Family family, std::string_view text);
bool is_nat_range(const ValueKind& kind, Family family, std::string_view text);
bool is_nat_ports(const ValueKind& kind, Family family, std::string_view text);
bool is_reject_type(const ValueKind& kind, Family family, std::string_view text);
bool is_icmp6_type(const ValueKind& kind, Family family, std::string_view text);
bool is_class(const ValueKind& kind, Family family, std::string_view text);
bool is_zone(const ValueKind& kind, Family family, std::string_view text);
bool is_owner(const ValueKind& kind, Family family, std::string_view text);
bool is_tcp_options(const ValueKind& kind, Family family, std::string_view text);
bool is_chunk_types(const ValueKind& kind, Family family, std::string_view text);
bool is_header_options(const ValueKind& kind, Family family, std::string_view text);
bool is_mobility_type(const ValueKind& kind, Family family, std::string_view text);
bool is_address_list(const ValueKind& kind, Family family, std::string_view text);
bool is_file_name(const ValueKind& kind, Family family, std::string_view text);

/// The port part of a NAT range ("192.0.2.1:80", "[2001:db8::1]:80", ":80"); null data when there
/// is none.
std::string_view nat_port_part(Family family, std::string_view text);
/// True when REJECT answers with a TCP reset.
bool is_tcp_reset(std::string_view text);
/// A number as strtoul reads it with base 0, no sign but '+'; false for anything else.
bool read_number(std::string_view text, std::uint64_t& number);
/// Seconds since midnight; 0 when the text is no time.
std::uint32_t seconds_of(std::string_view time);

constexpr std::uint64_t u8 = 0xff, u16 = 0xffff, u32 = 0xffffffff, u64 = ~std::uint64_t{0};

constexpr ValueKind number(std::uint64_t min, std::uint64_t max) {
    return {is_number, min, max, {}, {}};
}
constexpr ValueKind number_range(std::uint64_t max) {
    return {is_number_range, 0, max, {}, "a number, or two with `:' between them, each at most"};
}
constexpr ValueKind ordered_range(std::uint64_t max) {
    return {is_ordered_range, 0, max, {}, "a number, or the smaller, `:' and the larger, at most"};
}
constexpr ValueKind queues{
    is_queue_range, 0, 65534, {}, "the first queue, `:' and the last, at most"};
constexpr ValueKind fraction{is_fraction, 0, 1, {}, "a number from 0 to 1"};
constexpr ValueKind text(std::uint64_t min, std::uint64_t max) {
    return {is_text, min, max, {}, {}};
}
constexpr ValueKind word(std::string_view words) {
    return {is_word, 0, 0, words, {}};
}
constexpr ValueKind word_in_any_case(std::string_view words) {
    return {is_word_in_any_case, 0, 0, words, {}};
}
constexpr ValueKind list(std::string_view words) {
    return {is_list, 0, 0, words, {}};
}
constexpr ValueKind list_with_gaps(std::string_view words) {
    return {is_list_with_gaps, 0, 0, words, {}};
}
constexpr ValueKind list_in_any_case(std::string_view words) {
    return {is_list_in_any_case, 0, 0, words, {}};
}
constexpr ValueKind gappy_list_in_any_case(std::string_view words) {
    return {is_gappy_list_in_any_case, 0, 0, words, {}};
}
constexpr ValueKind mark{is_mark, 0, 0, {}, "a number of 32 bits, with /MASK or without"};
constexpr ValueKind group{
    is_number_or_name_with_mask, 0, 0, {}, "a name, or a number of 32 bits with /MASK or without"};
constexpr ValueKind tos{is_tos, 0, 0,
                        "Minimize-Delay Maximize-Throughput Maximize-Reliability Minimize-Cost "
                        "Normal-Service",
                        "a number from 0 to 255, with /MASK or without, or a name such as "
                        "Minimize-Delay"};
constexpr ValueKind log_level{is_log_level, 0, 7,
                              "emerg panic alert crit error warning notice info debug",
                              "0 to 7, emerg, alert, crit, error, warning, notice, info or debug"};
constexpr ValueKind host{is_host, 0, 0, {}, "one address of this family, without a mask"};
constexpr ValueKind network{is_network, 0, 0, {}, "an address of this family, with /MASK or not"};
constexpr ValueKind prefix{is_prefix, 0, 0, {}, "the length of a prefix, or a mask"};
constexpr ValueKind plain_prefix{
    is_prefix, 0, 1, {}, "the length of a prefix, or its mask"};  // max: no holes in a mask
constexpr ValueKind label{is_label, 0, 127, {}, "a name, or a number from 0 to 127"};
constexpr ValueKind tests_of_words{
    is_tests_of_words, 0, 0, {}, "OFFSET=NUMBER[:NUMBER], more of them after `,' or `&&'"};
constexpr ValueKind port{is_port, 0, 0, {}, "a decimal number or the name of a service"};
constexpr ValueKind ports{
    is_port_range, 0, 0, {}, "decimal numbers or names of services, one, or two with `:'"};
constexpr ValueKind protocol{is_protocol, 0, 0, {}, "a protocol"};
constexpr ValueKind ethernet_address{
    is_ethernet_address, 0, 0, {}, "six pairs of hexadecimal digits with `:' between them"};
constexpr ValueKind rate{
    is_rate, 0, 10000, {}, "N/second, /minute, /hour or /day, at most 10000 a second"};
constexpr ValueKind hash_rate{
    is_hash_rate,
    0,
    1000000,
    {},
    "N/second, /minute, /hour or /day, at most 1000000 a second, or Nkb/s"};
constexpr ValueKind hash_burst{is_hash_burst, 1, 1000000, {}, {}};
constexpr ValueKind mss{is_mss, 0, 65515, {}, "a number from 0 to 65515 (IPv6: 65495)"};
constexpr ValueKind time{is_time, 0, 0, {}, "HH:MM or HH:MM:SS"};
constexpr ValueKind date{is_date, 0, 0, {}, "YYYY[-MM[-DD[Thh[:mm[:ss]]]]], 1970 to 2038"};
constexpr ValueKind weekdays{is_weekdays, 0, 0, "Mo Tu We Th Fr Sa Su",
                             "days such as Mon,Tue or 1,2; the week begins with Monday, 1"};
constexpr ValueKind monthdays{is_monthdays, 0, 31, {}, "a list of days, each at most 31"};
constexpr ValueKind hex_string{
    is_hex_string, 0, 128, {}, "1 to 128 bytes, those in hexadecimal between `|', two digits each"};
constexpr ValueKind nat_range{
    is_nat_range, 0, 0, {}, "ADDRESS[-ADDRESS][:PORT[-PORT]], numeric, IPv6 before a port in []"};
constexpr ValueKind nat_ports{
    is_nat_ports, 0, 0, {}, "PORT or the smaller, `-' and the larger, at most 65535"};
constexpr ValueKind reject_type{
    is_reject_type, 0, 0, {}, "a type of this family's ICMP, or tcp-reset"};
constexpr ValueKind icmp6_type{
    is_icmp6_type, 0, 0, {}, "a type that it knows: those of MLD by number, 130 to 132 and 143"};
constexpr ValueKind traffic_class{is_class, 0, 0, {}, "MAJOR:MINOR, hexadecimal"};
constexpr ValueKind zone{is_zone, 0, 65535, {}, "a number from 0 to 65535, or mark"};
constexpr ValueKind owner{
    is_owner, 0, 0xfffffffe, {}, "a name, or an ID or two with `-', the smaller first"};
constexpr ValueKind tcp_options{
    is_tcp_options, 2, 255, "wscale mss sack-permitted sack timestamp md5",
    "a list of wscale, mss, sack-permitted, sack, timestamp, md5, or 2 to 255"};
constexpr ValueKind chunk_types{
    is_chunk_types, 0, 0,
    "DATA INIT INIT_ACK SACK HEARTBEAT HEARTBEAT_ACK ABORT SHUTDOWN SHUTDOWN_ACK ERROR COOKIE_ECHO "
    "COOKIE_ACK ECN_ECNE ECN_CWR SHUTDOWN_COMPLETE I_DATA RE_CONFIG PAD ASCONF ASCONF_ACK "
    "FORWARD_TSN I_FORWARD_TSN ALL NONE",
    "a list of SCTP chunk types such as INIT, DATA or ABORT"};
constexpr ValueKind header_options{
    is_header_options, 0, 16, {}, "up to 16 options, TYPE or TYPE:LENGTH"};
constexpr ValueKind mobility_type{
    is_mobility_type, 0, 255,
    "binding-refresh-request brr home-test-init hoti careof-test-init coti home-test hot "
    "careof-test cot binding-update bu binding-acknowledgement ba binding-error be",
    "a mobility header type, or two with `:', the smaller first"};
constexpr ValueKind addresses{is_address_list, 0, 16, {}, "up to 16 addresses"};
constexpr ValueKind file_name{
    is_file_name, 0, 0, {}, "a name that can be a file's: without `/', not `.' or `..'"};

}  // namespace values
}  // namespace untrack::model
