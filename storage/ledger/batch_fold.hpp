#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "storage/ledger/batch.hpp"
#include "storage/ledger/rows.hpp"

namespace codasync::storage {

/// Decides a batch's operations one after the other on rows that are locked. It changes `rows` and
/// collects what has to be written; the ledger is read only for what a late event or a void needs.
class BatchFold {
 public:
  struct Context {
    std::function<bool(TokenId)> token_is_valid;
    std::vector<KeptAnswer> answers{};            // under the batch's idempotency keys
    std::map<Uuid, KnownOperation> operations{};  // the batch's names that the ledger has
    std::function<std::optional<LedgerEvent>(ReadingId, EventId)> find_event;
    std::optional<ProductName> named{};  // the product as this transaction will write it
    Instant now;                         // the database's clock
    Instant ledger_floor;
  };

  /// Both references outlive this.
  BatchFold(StockRows& rows, HistorySource& history, Context context)
      : rows_{rows}, source_{history}, context_{std::move(context)} {}

  /// Returns: whether a wrong clock put events of the row into the future.
  [[nodiscard]] bool has_future(const StockRow& row) const;

  /// Takes those events back, and records them again at the last microseconds before now, in their
  /// order. Without it every true event until then would count as older. Requires: has_future().
  void repair_clock(StockRow& row);

  /// Reads at once what the late events of the batch are going to need.
  void prefetch(const Batch& batch);

  /// Decides an operation. Requires: finish() was not called.
  void decide(const QueuedOperation& queued);

  /// Ends the batch: seals long histories, and lets `allocate` give ids to new readings. After it
  /// results() and writes() are complete.
  void finish(const std::function<void(StockRows&)>& allocate);

  /// Returns: what became of each operation, in the order in which they were decided.
  [[nodiscard]] std::vector<BatchResult::Each> results();

  /// Requires: finish() was called, and results() if they are wanted.
  [[nodiscard]] BatchWrites writes() && { return std::move(writes_); }

  /// Returns: whether anything has to be written.
  [[nodiscard]] bool writes_something() const noexcept {
    return !writes_.events.empty() || !writes_.answers.empty() || names_product_;
  }

  /// Returns: whether an operation gave the product its new name.
  [[nodiscard]] bool names_product() const noexcept { return names_product_; }

  /// Returns: what others see differently from now on.
  [[nodiscard]] Changes changes() const;

 private:
  /// It was accepted: its answer is made when the ids of new readings are known.
  struct Accepted {
    const QueuedOperation* queued;
    const StockRow* row;
    Written written;
  };
  /// An operation of this batch with the same key was accepted before.
  struct Replay {
    std::size_t decision;
  };
  using Decision = std::variant<Accepted, Replay, StockResult, BatchResult::Left>;

  Decision decided(const QueuedOperation& queued);
  std::optional<Decision> replay(const StockOperation& operation) const;
  std::optional<Decision> repeated(const QueuedOperation& queued, const StockRow& row,
                                   const Event& event) const;
  std::optional<Refused> refuse(const StockOperation& operation, const StockRow& row,
                                bool is_request) const;
  std::optional<Refused> refuse_event(const StockOperation& operation, StockRow& row,
                                      const Event& event, bool is_request);
  std::optional<Refused> refuse_void(const StockRow& row, EventId target) const;
  Decision leave(const StockRow& row, BatchResult::Left why);

  /// Folds the event in, and appends it to the ledger.
  Written append(const QueuedOperation& queued, StockRow& row, const Event& event,
                 Instant received_at);
  Written void_event(const QueuedOperation& queued, StockRow& row, const Event& event,
                     Instant received_at);
  Written written(const StockRow& row, const Shelf& before, EventOutcome outcome) const;
  EventOutcome show(StockRow& row, const Shelf& before, Instant observed_at, Instant received_at);

  std::optional<LedgerEvent> find_target(const StockRow& row, EventId id) const;
  std::optional<LedgerEvent> find(const StockRow& row, EventId id) const;
  ReadingHistory& history_of(StockRow& row);
  [[nodiscard]] std::size_t history_reads() const;

  StockRows& rows_;
  HistorySource& source_;
  Context context_;
  std::map<const StockRow*, ReadingHistory> histories_;
  std::set<EventId> voided_;                           // by this batch
  std::map<const StockRow*, BatchResult::Left> left_;  // their later operations wait too
  bool names_product_{false};
  BatchWrites writes_;
  std::vector<Decision> decisions_;
};

}  // namespace codasync::storage
