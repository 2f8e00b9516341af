#pragma once

#include <optional>
#include <vector>

#include "storage/ledger/rows.hpp"

namespace codasync::storage {

/// Folds all events of a reading in their order, into new segments. Threads: one.
class FoldAgain {
 public:
  /// `base`: the fold of all events before the floor of the ledger, if there is one. The segments
  /// are those of `row`; both outlive this.
  FoldAgain(const StockRow& row, const std::optional<Segment>& base,
            std::vector<SegmentOfRow>& segments);

  /// Voids, and events that the base contains, are left out.
  void add(const HistoryEntry& line);

  /// Requires: every event was added.
  FoldState finish();

 private:
  void seal(std::vector<LedgerEvent>::iterator end);

  const StockRow& row_;
  std::vector<SegmentOfRow>& segments_;
  const std::optional<Instant> base_until_;
  FoldState state_;
  Summary summary_;
  std::vector<LedgerEvent> tail_;
};

}  // namespace codasync::storage
