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

/// The ledger was not closed; what() is a sentence for the operator.
class CloseRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CloseCounts {
  std::uint64_t readings{0};              // readings that got a new base
  std::vector<std::string> partitions{};  // dropped
};

/// Deletes all events observed before `floor`, the first day of a month. Their fold is stored as
/// one row per reading, the base of its segments, so no reading changes. From the start of the call
/// on, older events are refused. The names of operations are kept 400 days longer, so that a device
/// cannot send an old operation again. Writers continue meanwhile. The call can be repeated after
/// an interruption.
///
/// Requires: the rights of the owner role. `progress` is called with the number of readings done.
/// Throws: CloseRefused when the ledger cannot be closed at this day; Unavailable. Threads: one at
/// a time.
CloseCounts close_ledger(const PostgresOptions& options, Date floor,
                         const std::function<void(std::uint64_t)>& progress);

}  // namespace codasync::storage
