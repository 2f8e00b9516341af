#include "api/parameters.hpp"

#include <algorithm>
#include <charconv>

#include "storage/model/text.hpp"

namespace codasync::api {
namespace {

constexpr std::size_t kLimitDefault = 100;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kCursorVersion = '1';

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::string> Parameters::take(const std::string& name) {
  std::optional<std::string> value;
  const auto rest = std::remove_if(query_.begin(), query_.end(), [&](auto& parameter) {
    if (parameter.first != name) return false;
    if (value) refuse(name, "This parameter is given twice.");
    value = std::move(parameter.second);
    return true;
  });
  query_.erase(rest, query_.end());
  return value;
}

std::optional<std::string> Parameters::text(const std::string& name) {
  auto value = take(name);
  if (!value) return std::nullopt;
  if (const auto refusal = refuse_name(*value)) {
    refuse(name, std::string{explain(*refusal)});
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> Parameters::id(const std::string& name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto number = parse_number(*value);
  if (!number || *number < 1) {
    refuse(name, "This must be an id: a whole number from 1 to 9223372036854775807.");
    return std::nullopt;
  }
  return number;
}

std::optional<Gtin> Parameters::gtin(const std::string& name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto gtin = Gtin::parse(*value);
  if (!gtin) {
    refuse(name, std::string{explain(gtin.error())});
    return std::nullopt;
  }
  return *gtin;
}

std::optional<Date> Parameters::date(const std::string& name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto date = parse_date(*value);
  if (!date) refuse(name, "This must be an existing day as YYYY-MM-DD.");
  return date;
}

std::optional<Instant> Parameters::instant(const std::string& name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto instant = parse_instant(*value);
  if (!instant)
    refuse(name, "This must be a date and time with its offset, such as 2026-11-24T09:30:00Z.");
  return instant;
}

std::optional<std::string> Parameters::cursor() {
  const auto value = take("cursor");
  if (!value) return std::nullopt;
  auto carried = read_cursor(*value);
  if (!carried) refuse("cursor", "This is no cursor.");
  return carried;
}

bool Parameters::flag(const std::string& name) {
  const auto value = take(name);
  if (!value || *value == "false" || *value == "0") return false;
  if (*value != "true" && *value != "1") refuse(name, "This must be true or false.");
  return true;
}

std::size_t Parameters::limit() {
  const auto value = take("limit");
  if (!value) return kLimitDefault;
  const auto number = parse_number(*value);
  if (!number || *number < 1 || *number > static_cast<std::int64_t>(storage::kPageMax)) {
    refuse("limit",
           "This must be a whole number from 1 to " + std::to_string(storage::kPageMax) + ".");
    return kLimitDefault;
  }
  return static_cast<std::size_t>(*number);
}

void Parameters::refuse(const std::string& name, std::string sentence) {
  errors_[name].push_back(std::move(sentence));
}

std::optional<Problem> Parameters::finish() {
  for (const auto& [name, value] : query_) {
    if (errors_.size() >= 50) break;
    errors_[shown_field(name)] = {"There is no parameter of this name here."};
  }
  if (errors_.empty()) return std::nullopt;
  return bad_fields(errors_);
}

std::string make_cursor(std::string_view text) {
  std::string cursor{kCursorVersion};
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6)
      cursor.push_back(kAlphabet[(bits >> (count - 6)) & 63U]);
  }
  if (count > 0) cursor.push_back(kAlphabet[(bits << (6 - count)) & 63U]);
  return cursor;
}

std::optional<std::string> read_cursor(std::string_view cursor) {
  if (cursor.empty() || cursor.front() != kCursorVersion) return std::nullopt;
  cursor.remove_prefix(1);
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : cursor) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      text.push_back(static_cast<char>((bits >> count) & 255U));
    }
  }
  return text;
}

Header next_page(std::string_view path, const Query& query, std::string_view cursor) {
  std::string link{"<"};
  link += path;
  link.push_back('?');
  for (const auto& [name, value] : query) {
    if (name != "cursor") link += encode(name) + "=" + encode(value) + "&";
  }
  link += "cursor=" + std::string{cursor} + ">; rel=\"next\"";
  return {"Link", std::move(link)};
}

}  // namespace codasync::api
