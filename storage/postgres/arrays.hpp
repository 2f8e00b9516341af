#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace codasync::storage::postgres {

/// Returns: `text` as an element of an array literal.
inline std::string quoted(std::string_view text) {
  std::string element{'"'};
  for (const char c : text) {
    if (c == '"' || c == '\\') element += '\\';
    element += c;
  }
  return element += '"';
}

inline std::string quoted(const std::string& text) { return quoted(std::string_view{text}); }

inline std::string quoted(const std::optional<std::string>& text) {
  return text ? quoted(std::string_view{*text}) : "null";
}

/// Returns: an array literal, `{a,b,c}`, of the results of `element`, which calls quoted() for
/// texts.
template <class Range, class Element>
std::string array_of(const Range& range, Element&& element) {
  std::string literal{'{'};
  for (const auto& item : range) {
    if (literal.size() > 1) literal += ',';
    literal += element(item);
  }
  return literal += '}';
}

}  // namespace codasync::storage::postgres
