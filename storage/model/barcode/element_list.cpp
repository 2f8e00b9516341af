#include "storage/model/barcode/element_list.hpp"

namespace codasync::barcode {
namespace {

/// Which kinds of elements, that a code has one or the other of, are there.
struct Named {
  bool item{false};
  bool contents{false};

  explicit Named(std::string_view ai) : item{ai == "01"}, contents{ai == "02" || ai == "37"} {}
  [[nodiscard]] bool excludes(const Named& other) const {
    return (item && other.contents) || (contents && other.item);
  }
  void add(const Named& other) {
    item = item || other.item;
    contents = contents || other.contents;
  }
};

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
  Named before{""};
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto& later = elements[i];
    const Named named{later.ai};
    for (std::size_t j = 0; i >= first && j < i; ++j) {
      const auto& earlier = elements[j];
      if (earlier.ai == later.ai && earlier.value != later.value)
        return ParseError{
            later.at, "The application identifier (AI) " + later.ai + " has two different values."};
    }
    if (i >= first && named.excludes(before))
      return ParseError{later.at,
                        "The application identifier (AI) 01 names the item itself; 02 and 37 "
                        "belong to what a box contains. A code has one or the other."};
    before.add(named);
  }
  return std::nullopt;
}

}  // namespace codasync::barcode
