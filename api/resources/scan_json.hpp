#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/barcode/barcode.hpp"
#include "storage/model/barcode/scanned_item.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::api::scan {

/// The body of a response of POST /scan.
struct Answer {
  std::span<const barcode::ParsedCode> parsed;
  const barcode::ScannedItem& item;
  const Reading* reading{nullptr};        // null pointer: no reading
  std::optional<EventOutcome> outcome{};  // nullopt: nothing was recorded
  bool became_shortest{false};
  std::optional<storage::EarlierState> previous{};
  std::vector<std::string_view> missing{};
};

std::string to_json(const Answer& answer);

}  // namespace codasync::api::scan
