#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/ledger/rows.hpp"

namespace codasync::storage {

/// What the events of a reading say of its row: a second fold, in the order of observation from the
/// first event on, beside the one that follows the order of arrival. Holds one segment at a time.
class Replay {
 public:
  /// `segments`: of the reading, in their order, as they are stored.
  explicit Replay(std::vector<Segment> segments);

  /// Requires: the events come in the order of observation.
  void add(const HistoryEntry& line);

  /// Requires: every event was added. The rest of this class is valid after it only.
  void finish();

  /// Returns: how the row differs from it, in words: `quantity is 5, the events say 3`.
  [[nodiscard]] std::vector<std::string> differences(const StockRow& row) const;

  /// Returns: the newest version that an event has.
  [[nodiscard]] std::int64_t version() const { return version_; }

  /// Returns: the newest arrival of those that the ledger has.
  [[nodiscard]] Instant received_at() const { return received_at_; }

  /// Returns: whether older events were forgotten (storage/ledger_retention.hpp).
  [[nodiscard]] bool has_base() const { return !stored_.empty() && stored_.front().is_base; }

  /// Returns: whether an event that changed the row last was observed then and arrived then.
  [[nodiscard]] bool changed_last(Instant observed_at, Instant updated_at) const;
  [[nodiscard]] Instant updated_at() const { return changed_at_; }
  [[nodiscard]] Instant observed_at() const {
    return changed_by_.empty() ? Instant{} : changed_by_.front();
  }

 private:
  /// Events that the base has may be there until they are deleted.
  [[nodiscard]] bool is_in_base(const Event& event) const {
    return has_base() && event.observed_at <= stored_.front().until;
  }
  void take_version(const HistoryEntry& line);
  void end_segment();
  void fold_run();

  const std::vector<Segment> stored_;
  std::size_t next_{0};  // segment of stored_ that is not complete
  std::vector<Event> run_;
  std::int64_t events_{0};  // of the segment or the tail, voided ones too
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
