#include "config/settings/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "storage/options.hpp"

namespace codasync::config {
namespace {

constexpr std::string_view kNone = "none";

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// The largest first: the first unit that divides a value gives the shortest text.
constexpr std::array kTimeUnits{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"min", 60'000},
                                Unit{"s", 1'000}, Unit{"ms", 1}};
constexpr std::array kSizeUnits{Unit{"GiB", 1ULL << 30}, Unit{"GB", 1'000'000'000},
                                Unit{"MiB", 1ULL << 20}, Unit{"MB", 1'000'000},
                                Unit{"KiB", 1ULL << 10}, Unit{"KB", 1'000}};

struct Number {
  std::uint64_t value;
  std::string_view rest;
};

std::optional<Number> leading_number(std::string_view text) {
  std::uint64_t value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return Number{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

template <std::size_t N>
std::optional<std::uint64_t> with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const auto number = leading_number(text);
  if (!number) return std::nullopt;
  const auto unit = std::ranges::find(units, number->rest, &Unit::name);
  const std::uint64_t max = std::numeric_limits<std::int64_t>::max();
  if (unit == units.end() || number->value > max / unit->factor) return std::nullopt;
  return number->value * unit->factor;
}

template <std::size_t N>
std::string in_largest_unit(std::uint64_t value, const std::array<Unit, N>& units,
                            std::string_view unit_of_zero) {
  if (value == 0) return "0" + std::string{unit_of_zero};
  const auto unit =
      std::ranges::find_if(units, [&](const Unit& each) { return value % each.factor == 0; });
  if (unit == units.end()) return std::to_string(value);
  return std::to_string(value / unit->factor).append(unit->name);
}

/// An address may contain a login by mistake; its password must not be printed.
std::string masked(const std::string& address) {
  const auto at = address.rfind('@');
  if (at == std::string::npos) return address;
  const auto colon = address.find(':');
  const auto user = colon < at ? address.substr(0, colon + 1) : std::string{};
  return user + "********" + address.substr(at);
}

}  // namespace

bool parse(std::string_view text, bool& value) {
  if (text != "true" && text != "false") return false;
  value = text == "true";
  return true;
}

bool parse(std::string_view text, std::size_t& value) {
  const auto number = leading_number(text);
  if (!number || !number->rest.empty()) return false;
  value = number->value;
  return true;
}

bool parse(std::string_view text, Bytes& value) {
  if (parse(text, value.count)) return true;
  const auto bytes = with_unit(text, kSizeUnits);
  if (bytes) value.count = *bytes;
  return bytes.has_value();
}

bool parse(std::string_view text, std::chrono::milliseconds& value) {
  const auto count = with_unit(text, kTimeUnits);
  if (count) value = std::chrono::milliseconds{*count};
  return count.has_value();
}

bool parse(std::string_view text, std::chrono::seconds& value) {
  std::chrono::milliseconds exact{};
  if (!parse(text, exact) || exact % std::chrono::seconds{1} != std::chrono::milliseconds{0}) {
    return false;
  }
  value = std::chrono::duration_cast<std::chrono::seconds>(exact);
  return true;
}

bool parse(std::string_view text, std::vector<std::string>& value) {
  if (text == kNone) text = {};
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (part.empty()) return false;
    parts.emplace_back(part);
  }
  value = std::move(parts);
  return true;
}

bool parse(std::string_view text, std::string& value) {
  value = text;
  return true;
}

bool parse(std::string_view text, Secret& value) {
  value = Secret{std::string{text}};
  return true;
}

bool parse(std::string_view text, api::LogLevel& value) {
  const auto level = api::parse_log_level(text);
  if (level) value = *level;
  return level.has_value();
}

std::string print(bool value) { return value ? "true" : "false"; }

std::string print(std::size_t value) { return std::to_string(value); }

std::string print(Bytes value) { return in_largest_unit(value.count, kSizeUnits, ""); }

std::string print(std::chrono::milliseconds value) {
  return in_largest_unit(static_cast<std::uint64_t>(value.count()), kTimeUnits, "ms");
}

std::string print(std::chrono::seconds value) {
  return value.count() == 0 ? "0s" : print(std::chrono::milliseconds{value});
}

std::string print(const std::vector<std::string>& value) {
  if (value.empty()) return std::string{kNone};
  std::string joined;
  for (const auto& part : value) joined.append(joined.empty() ? "" : ",").append(masked(part));
  return joined;
}

std::string print(const std::string& value) { return value; }

std::string print(const Secret& value) { return storage::masked_url(value); }

std::string print(api::LogLevel value) { return std::string{api::name_of(value)}; }

}  // namespace codasync::config
