#include "api/parameters.hpp"

#include <algorithm>

#include "storage/model/encoding.hpp"
#include "storage/model/number.hpp"
#include "storage/model/text.hpp"

namespace codasync::api {
namespace {

constexpr std::size_t kLimitDefault = 100;
constexpr std::size_t kErrorsMax = 20;  // of one parameter: limits the size of the response
constexpr char kCursorVersion = '1';

}  // namespace

std::optional<std::string> Parameters::take(const std::string& name) {
  std::optional<std::string> value;
  for (const auto& [known, text] : query_) {
    if (known != name) continue;
    if (value) refuse(name, "This parameter is repeated.");
    value = text;
  }
  return value;
}

std::optional<std::string> Parameters::text(const std::string& name) {
  const auto value = take(name);
  return value ? filter_text(name, std::string{trim(*value)}) : std::nullopt;
}

std::vector<std::string> Parameters::words(const std::string& name) {
  const auto value = take(name);
  if (!value) return {};
  const auto text = filter_text(name, collapse_white_space(*value));
  if (!text) return {};
  auto words = words_of(*text);
  std::ranges::sort(words);
  spell(name, joined(words, " "));
  return words;
}

std::optional<std::string> Parameters::filter_text(const std::string& name, std::string text) {
  if (text.empty()) return std::nullopt;
  if (const auto refusal = refuse_name(text)) {
    refuse(name, explain(*refusal));
    return std::nullopt;
  }
  spell(name, text);
  return text;
}

std::vector<std::string> Parameters::texts(const std::string& name) const {
  std::vector<std::string> found;
  for (const auto& [known, text] : query_) {
    if (known == name) found.push_back(text);
  }
  return found;
}

/// `parse` returns an outcome: the value, or the sentence for the user. `print`: its only spelling.
template <class Value, class Parse, class Print>
std::vector<Value> Parameters::values(const std::string& name, const Parse& parse,
                                      const Print& print) {
  const auto text = take(name);
  if (!text) return {};
  const bool several = text->find(',') != std::string::npos;
  std::vector<Value> found;
  std::size_t count = 0;
  for (std::string_view rest{*text};; ++count) {
    if (count == kValuesMax) {
      refuse(name, "At most " + std::to_string(kValuesMax) + " values are allowed.");
      return {};
    }
    const auto end = std::min(rest.find(','), rest.size());
    const auto part = trim(rest.substr(0, end));
    const Outcome<Value, std::string> value = parse(part);
    if (!value) {
      if (errors_[name].size() < kErrorsMax)
        refuse(name, (several ? "\"" + shown_field(part) + "\": " : "") + value.error());
    } else if (std::find(found.begin(), found.end(), *value) == found.end()) {
      found.push_back(*value);
    }
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  auto sorted = found;
  std::ranges::sort(sorted);
  std::string spelled;
  for (const auto& value : sorted) spelled += (spelled.empty() ? "" : ",") + print(value);
  spell(name, std::move(spelled));
  return found;
}

std::vector<ShopId> Parameters::shops(const std::string& name) {
  return values<ShopId>(
      name,
      [](std::string_view text) -> Outcome<ShopId, std::string> {
        const auto number = parse_whole_number(text);
        if (!number || *number < 1)
          return std::string{"This must be an id, a whole number from 1 to 9223372036854775807."};
        return ShopId{*number};
      },
      [](ShopId shop) { return std::to_string(shop.value()); });
}

std::vector<Gtin> Parameters::gtins(const std::string& name) {
  return values<Gtin>(
      name,
      [](std::string_view text) -> Outcome<Gtin, std::string> {
        const auto gtin = Gtin::parse(text);
        if (!gtin) return std::string{explain(gtin.error())};
        return *gtin;
      },
      [](Gtin gtin) { return gtin.canonical(); });
}

std::optional<Date> Parameters::date(const std::string& name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto date = parse_date(*value);
  if (date) spell(name, to_string(*date));
  if (!date) refuse(name, "This must be a valid date in the form YYYY-MM-DD.");
  return date;
}

std::optional<Instant> Parameters::instant(const std::string& name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto instant = parse_instant(*value);
  if (instant) {
    spell(name, to_string(*instant));
    return instant;
  }
  std::string sentence =
      "This must be a date and time with a UTC offset, such as 2026-11-24T09:30:00Z.";
  // In a query a plus sign is a blank.
  if (value->find(' ') != std::string::npos) sentence += " In an address, write + as %2B.";
  refuse(name, std::move(sentence));
  return std::nullopt;
}

std::optional<std::string> Parameters::cursor() {
  const auto value = take("cursor");
  if (!value) return std::nullopt;
  auto carried = read_cursor(*value);
  if (carried) spell("cursor", make_cursor(*carried));
  if (!carried) refuse_cursor();
  return carried;
}

std::optional<std::int64_t> Parameters::id_cursor() {
  const auto carried = cursor();
  if (!carried) return std::nullopt;
  const auto id = parse_whole_number(*carried);
  if (!id || *id < 1) {
    refuse_cursor();
    return std::nullopt;
  }
  return id;
}

std::optional<bool> Parameters::flag(const std::string& name) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const bool is_true = *value == "true" || *value == "1";
  if (!is_true && *value != "false" && *value != "0") {
    refuse(name, "This must be true or false.");
    return std::nullopt;
  }
  spell(name, is_true ? "true" : "false");
  return is_true;
}

std::optional<std::int64_t> Parameters::number(const std::string& name, std::int64_t min,
                                               std::int64_t max) {
  const auto value = take(name);
  if (!value) return std::nullopt;
  const auto number = parse_whole_number(*value);
  if (number && *number >= min && *number <= max) {
    spell(name, std::to_string(*number));
    return number;
  }
  refuse(name, "This must be a whole number from " + std::to_string(min) + " to " +
                   std::to_string(max) + ".");
  return std::nullopt;
}

std::size_t Parameters::limit() {
  const auto value = take("limit");
  if (!value) return kLimitDefault;
  const auto number = parse_whole_number(*value);
  if (!number || *number < 1 || *number > static_cast<std::int64_t>(storage::kPageMax)) {
    refuse("limit",
           "This must be a whole number from 1 to " + std::to_string(storage::kPageMax) + ".");
    return kLimitDefault;
  }
  spell("limit", static_cast<std::size_t>(*number) == kLimitDefault ? "" : std::to_string(*number));
  return static_cast<std::size_t>(*number);
}

bool Parameters::counts() {
  const bool wanted = flag("count").value_or(false);
  spell("count", wanted ? "true" : "");
  return wanted;
}

std::optional<std::size_t> Parameters::one_of(const std::string& name,
                                              std::span<const std::string_view> names) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto found = std::ranges::find(names, *value);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  refuse(name, "This must be one of: " + listed(names) + ".");
  return std::nullopt;
}

void Parameters::refuse(const std::string& name, std::string sentence) {
  errors_[name].push_back(std::move(sentence));
}

std::optional<Problem> Parameters::finish() const {
  if (errors_.empty()) return std::nullopt;
  return bad_query(errors_);
}

std::string make_cursor(std::int64_t id) { return make_cursor(std::to_string(id)); }

std::string make_cursor(std::string_view text) { return kCursorVersion + to_base64url(text); }

std::optional<std::string> read_cursor(std::string_view cursor) {
  if (!cursor.starts_with(kCursorVersion)) return std::nullopt;
  return from_base64url(cursor.substr(1));
}

std::string Parameters::canonical() const {
  std::string text;
  for (const auto& [name, value] : spelled_) {
    if (!value.empty()) text += (text.empty() ? "" : "&") + encode(name) + "=" + encode(value);
  }
  return text;
}

std::string Parameters::address(std::string_view path) const {
  const auto query = canonical();
  return query.empty() ? std::string{path} : std::string{path} + "?" + query;
}

Header Parameters::next_page(std::string_view path, std::string_view cursor) const {
  auto first_page = *this;
  first_page.spell("cursor", "");
  first_page.spell("count", "");
  auto query = first_page.canonical();
  query += (query.empty() ? "cursor=" : "&cursor=") + std::string{cursor};
  return {"Link", "<" + std::string{path} + "?" + query + ">; rel=\"next\""};
}

}  // namespace codasync::api
