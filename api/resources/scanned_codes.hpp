#pragma once

#include <string>
#include <vector>

#include "api/body.hpp"
#include "storage/model/barcode/barcode.hpp"
#include "storage/model/barcode/scanned_item.hpp"

// The codes of one item in a body, as a scanner sent them.

namespace codasync::api::scan {

struct ScannedCodes {
  Field<std::vector<std::string>> texts;
  barcode::ParseOptions options;

  [[nodiscard]] std::vector<barcode::ParsedCode> parsed() const;
};

/// Reads `codes`, and the fields that say how they are meant: `upc_e` and `separator`. `today`
/// decides the century of dates.
ScannedCodes read_codes(Body& fields, Date today);

/// Returns: 422 for codes that contradict each other.
Problem conflicting(const barcode::Contradiction& contradiction);

}  // namespace codasync::api::scan
