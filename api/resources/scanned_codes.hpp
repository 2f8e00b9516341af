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

/// Reads `codes`, and the fields that say how they are meant: `upc_e` and `separator`.
/// `observed_at`, in the time of the service, decides the century of dates, so that the codes mean
/// the same whenever they arrive; nullopt: now.
ScannedCodes read_codes(Body& fields, const std::optional<Instant>& observed_at);

/// Returns: 422 for codes that contradict each other.
Problem conflicting(const barcode::Contradiction& contradiction);

}  // namespace codasync::api::scan
