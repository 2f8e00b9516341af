#include "storage/model/barcode/element_string.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace codasync::barcode {
namespace {

constexpr std::array<std::string_view, 5> kSpellings{"\x1d", "{GS}", "<GS>", "\u241D", "^]"};

/// An AI stops the parse: it says how far it got.
std::string no_ai(std::size_t elements_before) {
  if (elements_before == 0)
    return "This is neither a GTIN nor GS1 data; these begin with an application identifier (AI).";
  return "No application identifier (AI) of GS1 is here; " +
         (elements_before == 1 ? std::string{"the element"}
                               : "the " + std::to_string(elements_before) + " elements") +
         " before it could be read.";
}

/// Returns: where the value from `begin` ends: after `length_max` bytes, at a separator, or at the
/// end of the code.
std::size_t end_of_value(std::string_view code, std::size_t begin, std::size_t length_max,
                         const Separators& separators) {
  const auto end = length_max < code.size() - begin ? begin + length_max : code.size();
  auto at = begin;
  while (at < end && separators.length_at(code, at) == 0) ++at;
  return at;
}

/// Returns: the byte of `code` that became the byte `offset` of the value without `\` before
/// brackets. Requires: the value has as many bytes.
std::size_t before_unescaping(std::string_view code, std::size_t begin, std::size_t offset) {
  auto at = begin;
  for (; offset > 0; --offset) at += code.substr(at, 2) == "\\(" ? 2U : 1U;
  return at;
}

}  // namespace

std::size_t Separators::length_of_spelling(std::string_view text) const {
  if (text.front() == replacement_) return 1;
  for (const auto spelling : kSpellings) {
    if (text.starts_with(spelling)) return spelling.size();
  }
  return 0;
}

ElementList parse_element_string(std::string_view code, std::size_t begin,
                                 const Separators& separators, Date today) {
  ElementList list;
  auto at = begin + separators.length_at(code, begin);
  if (at >= code.size()) {
    list.error = ParseError{at, "This code has no data."};
    return list;
  }
  while (at < code.size()) {
    const auto digits = code.substr(at, length_of_ai(code.substr(at)));
    const auto* form = find_ai(digits);
    if (form == nullptr) {
      list.error = ParseError{at, no_ai(list.elements.size())};
      return list;
    }
    const auto value_at = at + digits.size();
    const auto length_max = form->predefined_length ? form->length_max() : std::string_view::npos;
    const auto end = end_of_value(code, value_at, length_max, separators);
    if (auto* error =
            add_element(list, digits, *form, code.substr(value_at, end - value_at), at, today)) {
      error->at += value_at;
      return list;
    }
    at = end + separators.length_at(code, end);
  }
  return list;
}

ElementList parse_bracketed_text(std::string_view code, std::size_t begin, Date today) {
  ElementList list;
  auto at = begin;
  while (at < code.size()) {
    const auto close = std::min(code.find(')', at), code.size());
    if (close == code.size()) {
      list.error = ParseError{at, "An application identifier (AI) in brackets is missing here."};
      return list;
    }
    const auto digits = code.substr(at + 1, close - at - 1);
    std::string value;
    auto end = close + 1;
    while (end < code.size() && code[end] != '(') {
      if (code.substr(end, 2) == "\\(") ++end;
      value.push_back(code[end++]);
    }
    const auto* form = find_ai(digits);
    if (form == nullptr) {
      list.error = ParseError{
          at + 1, no_ai(list.elements.size()) + " Write a bracket that belongs to a value as \\(."};
      return list;
    }
    if (auto* error = add_element(list, digits, *form, value, at, today)) {
      error->at = before_unescaping(code, close + 1, error->at);
      return list;
    }
    at = end;
  }
  return list;
}

}  // namespace codasync::barcode
