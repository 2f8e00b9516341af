#include "storage/model/barcode/scanned_item.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "storage/model/barcode/element_list.hpp"

namespace codasync::barcode {
namespace {

std::optional<DateKind> kind_of(const Element& element) {
  if (element.ai == "17" || element.ai == "7003") return DateKind::use_by;
  if (element.ai == "15") return DateKind::best_before;
  if (element.ai == "16") return DateKind::sell_by;
  return std::nullopt;
}

/// Returns: the position in the order in which the kinds are recorded.
int rank_of(DateKind kind) {
  switch (kind) {
    case DateKind::use_by:
      return 0;
    case DateKind::best_before:
      return 1;
    case DateKind::sell_by:
      return 2;
  }
  __builtin_unreachable();
}

void add_date(std::optional<ShelfDate>& date, const Element& element) {
  const auto kind = kind_of(element);
  if (!kind) return;
  assert(element.date);
  const ShelfDate found{*element.date, kind};
  if (!date || rank_of(*kind) < rank_of(*date->kind)) {
    date = found;
  } else if (kind == date->kind) {
    date = shorter(*date, found);
  }
}

ScannedItem item_of(const std::vector<Element>& elements, std::optional<Gtin> gtin) {
  ScannedItem item{.gtin = gtin};
  for (const auto& element : elements) {
    add_date(item.date, element);
    if (element.ai == "10") item.lot = element.value;
    if (element.ai == "21") item.serial = element.value;
    if (element.ai.starts_with("310") && !item.weight) item.weight = number_of(element);
  }
  return item;
}

}  // namespace

Outcome<ScannedItem, Contradiction> merge(std::span<const ParsedCode> codes) {
  std::vector<Element> elements;
  std::optional<Gtin> gtin;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto& code = codes[i];
    if (code.error) continue;
    if (code.gtin && gtin && *code.gtin != *gtin)
      return Contradiction{i, "The codes have different GTINs: " + gtin->canonical() + " and " +
                                  code.gtin->canonical() + "."};
    if (code.gtin) gtin = code.gtin;
    const auto known = elements.size();
    elements.insert(elements.end(), code.elements.begin(), code.elements.end());
    if (auto error = refuse_together(elements, known))
      return Contradiction{i, std::move(error->detail)};
  }
  return item_of(elements, gtin);
}

}  // namespace codasync::barcode
