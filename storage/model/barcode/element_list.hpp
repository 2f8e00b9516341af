#pragma once

#include <optional>
#include <vector>

#include "storage/model/barcode/element.hpp"

namespace codasync::barcode {

/// The elements of a code, in its order; with an error, those before it.
struct ElementList {
  std::vector<Element> elements{};
  std::optional<ParseError> error{};
};

/// A code with more elements is refused. Real symbols have up to 20.
inline constexpr std::size_t kElementsMax = 50;

/// Makes an element and adds it. Returns: null pointer, or the error in `list`, which counts from
/// the value's first byte. For the parameters see make_element().
ParseError* add_element(ElementList& list, std::string_view ai, const ApplicationIdentifier& form,
                        std::string_view value, std::size_t at, Date today);

/// Returns: why elements of one item cannot be together; nullopt: they can. The same AI has one
/// value, and the GTIN of an item (01) is not that of contents (02), nor with their count (37): GS1
/// General Specifications, section 4.13. The error is at the later one of two elements. Only
/// elements from the index `first` on are compared with those before them.
std::optional<ParseError> refuse_together(const std::vector<Element>& elements,
                                          std::size_t first = 0);

}  // namespace codasync::barcode
