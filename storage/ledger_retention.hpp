#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/model/time.hpp"
#include "storage/options.hpp"

namespace codasync::storage {

/// Why the ledger was not closed, as a sentence for the operator.
class CloseRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CloseCounts {
  std::uint64_t readings{0};              // whose events were composed into one row
  std::vector<std::string> partitions{};  // that were dropped
};

/// Forgets all events observed before `floor`, the first day of a month: what they mean for each
/// reading is kept as one row, the base of its segments, and no reading looks different. Events
/// that are older are refused from the beginning of the call on. The names of operations stay 400
/// days longer, so that a device cannot send an old operation again. Writers go on meanwhile. It
/// can be repeated after an interruption.
///
/// Needs the rights of the owner. `progress` is called with the readings done so far.
/// Throws: CloseRefused when the day is none to close at; Unavailable. Threads: one.
CloseCounts close_ledger(const PostgresOptions& options, Date floor,
                         const std::function<void(std::uint64_t)>& progress);

}  // namespace codasync::storage
