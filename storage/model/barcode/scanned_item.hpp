#pragma once

#include <optional>
#include <span>
#include <string>

#include "storage/model/barcode/barcode.hpp"
#include "storage/model/event.hpp"

namespace codasync::barcode {

/// What several codes of one item say together.
struct ScannedItem {
  std::optional<Gtin> gtin{};
  // The use-by date (17, 7003), without it the best-before date (15), without it the sell-by date
  // (16). Of 17 and 7003 the earlier one.
  std::optional<ShelfDate> date{};
  std::optional<std::string> lot{};     // 10
  std::optional<std::string> serial{};  // 21
  std::optional<std::string> weight{};  // net, in kilograms (310n): a decimal number
};

/// The codes of one item contradict each other.
struct Contradiction {
  std::size_t code;    // the later one of the two, from 0
  std::string detail;  // a sentence for the user
};

/// Returns: the item of codes that were parsed without an error; those with one are left out.
/// `alternatives` of codes are not used.
Outcome<ScannedItem, Contradiction> merge(std::span<const ParsedCode> codes);

}  // namespace codasync::barcode
