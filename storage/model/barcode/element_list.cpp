#include "storage/model/barcode/element_list.hpp"

namespace codasync::barcode {
namespace {

bool exclude_each_other(std::string_view a, std::string_view b) {
  return a == "01" && (b == "02" || b == "37");
}

}  // namespace

ParseError* add_element(ElementList& list, std::string_view ai, const ApplicationIdentifier& form,
                        std::string_view value, std::size_t at, Date today) {
  if (list.elements.size() == kElementsMax) {
    list.error =
        ParseError{0, "This code has more than " + std::to_string(kElementsMax) + " elements."};
    return &*list.error;
  }
  constexpr std::size_t kUsualElements = 6;
  if (list.elements.empty()) list.elements.reserve(kUsualElements);
  auto element = make_element(ai, form, value, at, today);
  if (!element) {
    list.error = element.error();
    return &*list.error;
  }
  list.elements.push_back(std::move(element).value());
  return nullptr;
}

std::optional<ParseError> refuse_together(const std::vector<Element>& elements, std::size_t first) {
  for (std::size_t i = first; i < elements.size(); ++i) {
    const auto& later = elements[i];
    for (std::size_t j = 0; j < i; ++j) {
      const auto& earlier = elements[j];
      if (earlier.ai == later.ai && earlier.value != later.value)
        return ParseError{
            later.at, "The application identifier (AI) " + later.ai + " has two different values."};
      if (exclude_each_other(earlier.ai, later.ai) || exclude_each_other(later.ai, earlier.ai))
        return ParseError{later.at,
                          "The application identifier (AI) 01 names the item itself; 02 and 37 "
                          "belong to what a box contains. A code has one or the other."};
    }
  }
  return std::nullopt;
}

}  // namespace codasync::barcode
