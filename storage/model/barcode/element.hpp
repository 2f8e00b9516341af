#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "storage/model/barcode/application_identifier.hpp"
#include "storage/model/barcode/parse_error.hpp"
#include "storage/model/outcome.hpp"
#include "storage/model/time.hpp"

namespace codasync::barcode {

/// An AI with its value.
struct Element {
  std::string ai;
  std::string value;         // decoded
  std::size_t at;            // where its AI begins in the code as it was sent
  std::optional<Date> date;  // of an AI whose value begins with a date
};

/// Returns: the element, or what is wrong with the value; the error counts from the value's first
/// byte. Checked are length, characters, check digits, dates and times; other rules about the
/// content of an AI are not. Requires: `ai` has the form `form`. `at`: for Element::at.
Outcome<Element, ParseError> make_element(std::string_view ai, const ApplicationIdentifier& form,
                                          std::string_view value, std::size_t at, Date today);

/// Returns: the number of an AI whose digits contain its decimals: measures (31nn to 36nn), prices
/// and amounts (390n to 395n), as a decimal number without superfluous zeros, such as `0.195`;
/// nullopt for other AIs.
std::optional<std::string> number_of(const Element& element);

}  // namespace codasync::barcode
