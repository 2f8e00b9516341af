#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/ledger/rows.hpp"

namespace codasync::storage {

/// Computes a reading's row from its events a second time, in the order of observed_at from the
/// first event on; the normal fold follows the order of arrival. Holds one segment in memory.
class Replay {
 public:
  /// `segments`: the stored segments of the reading, in their order.
  explicit Replay(std::vector<Segment> segments);

  /// Requires: calls in the order of observed_at.
  void add(const HistoryEntry& line);

  /// Requires: every event was added. The functions below are valid after this call only.
  void finish();

  /// Returns: the differences of the row, as text: `quantity is 5, expected 3`.
  [[nodiscard]] std::vector<std::string> differences(const StockRow& row) const;

  /// Returns: the newest version of an event.
  [[nodiscard]] std::int64_t version() const { return version_; }

  /// Returns: the newest arrival in the ledger.
  [[nodiscard]] Instant received_at() const { return received_at_; }

  /// Returns: whether older events were deleted (storage/ledger_retention.hpp).
  [[nodiscard]] bool has_base() const { return !stored_.empty() && stored_.front().is_base; }

  /// Returns: whether an event that changed the row last has this observed_at and this arrival.
  [[nodiscard]] bool changed_last(Instant observed_at, Instant updated_at) const;
  [[nodiscard]] Instant updated_at() const { return changed_at_; }
  [[nodiscard]] Instant observed_at() const {
    return changed_by_.empty() ? Instant{} : changed_by_.front();
  }

 private:
  /// Events that the base contains can exist until they are deleted.
  [[nodiscard]] bool is_in_base(const Event& event) const {
    return has_base() && event.observed_at <= stored_.front().until;
  }
  void take_version(const HistoryEntry& line);
  void end_segment();
  void fold_run();

  const std::vector<Segment> stored_;
  std::size_t next_{0};  // segment of stored_ that is not complete
  std::vector<Event> run_;
  std::int64_t events_{0};  // of the segment or the tail, voided ones included
  Summary summary_;         // of everything before run_
  std::optional<Instant> sealed_until_;
  std::int64_t tail_{0};
  std::vector<Instant> wrong_segments_;
  std::optional<Instant> newest_counting_;
  Instant received_at_{};
  std::int64_t version_{0};
  Instant changed_at_{};
  std::vector<Instant> changed_by_;
};

}  // namespace codasync::storage
