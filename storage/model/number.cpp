#include "storage/model/number.hpp"

#include <charconv>

namespace codasync {

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end ? std::optional{number} : std::nullopt;
}

std::optional<std::int64_t> parse_positive(std::string_view text) {
  const auto number = parse_integer(text);
  return number >= 1 ? number : std::nullopt;
}

std::optional<std::int64_t> parse_whole_number(std::string_view text) {
  const auto point = text.find('.');
  if (point == std::string_view::npos) return parse_integer(text);
  const auto fraction = text.substr(point + 1);
  const bool zeros = !fraction.empty() && fraction.find_first_not_of('0') == std::string_view::npos;
  return zeros ? parse_integer(text.substr(0, point)) : std::nullopt;
}

}  // namespace codasync
