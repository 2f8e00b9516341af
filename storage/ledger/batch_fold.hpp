#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "storage/ledger/batch.hpp"
#include "storage/ledger/rows.hpp"

namespace codasync::storage {

/// What a write means: a request for now, which the state of the reading can refuse, or a report of
/// what happened before.
enum class Intent { request, report };

/// Decides the operations of a batch one after the other on locked rows. It changes `rows` and
/// collects the rows to write. It reads the ledger only for late events and voids.
class BatchFold {
 public:
  struct Context {
    std::function<bool(TokenId)> token_is_valid;
    std::vector<ResponseRow> responses{};             // stored under the batch's idempotency keys
    std::map<Uuid, KnownOperation> operations{};      // of the batch's names that the ledger has
    std::set<std::pair<ReadingId, EventId>> voids{};  // of events with the batch's names
    std::function<std::optional<ArrivedEvent>(ReadingId, EventId)> find_event;
    std::optional<ProductName> named{};       // the product after this transaction
    bool restores_product{false};             // it was deleted before
    std::chrono::seconds staff_void_time{0};  // CombinerOptions
    Instant now;                              // the database's clock
    Instant ledger_floor;
  };

  /// Both references outlive this.
  BatchFold(StockRows& rows, HistorySource& history, Context context)
      : rows_{rows}, source_{history}, context_{std::move(context)} {}

  /// Returns: whether the row has events in the future, from a wrong clock.
  [[nodiscard]] bool has_future_events(const StockRow& row) const;

  /// Voids those events and records them again at the last microseconds before now, in their order.
  /// Otherwise every correct event until then would count as older. Requires: has_future_events().
  void repair_clock(StockRow& row);

  /// Reads the events that the late events of the batch need, with one statement.
  void prefetch(const Batch& batch);

  /// Decides an operation. Requires: finish() was not called.
  void decide(const QueuedOperation& queued);

  /// Ends the batch: seals long histories and calls `allocate` for the ids of new readings. Then
  /// results() and writes() are complete.
  void finish(const std::function<void(StockRows&)>& allocate);

  /// Returns: the result of each operation, in the order of the decisions.
  [[nodiscard]] std::vector<BatchResult::Each> results();

  /// Requires: finish() was called, and results() before this if they are needed.
  [[nodiscard]] BatchWrites writes() && { return std::move(writes_); }

  /// Returns: whether anything has to be written.
  [[nodiscard]] bool writes_something() const noexcept {
    return !writes_.events.empty() || !writes_.responses.empty() || names_product_;
  }

  /// Returns: whether an operation created or renamed the product.
  [[nodiscard]] bool names_product() const noexcept { return names_product_; }

  /// Returns: the changes that readers can see.
  [[nodiscard]] Changes changes() const;

 private:
  /// The operation was accepted. finish() encodes its response, when the ids of new readings are
  /// known.
  struct Accepted {
    const QueuedOperation* queued;
    const StockRow* row;
    Written written;
  };
  /// An earlier operation of this batch with the same key was accepted.
  struct Replay {
    std::size_t decision;
  };
  using Decision = std::variant<Accepted, Replay, StockResult, BatchResult::Deferred>;

  Decision decided(const QueuedOperation& queued);
  std::optional<Decision> replay(const StockOperation& operation) const;
  std::optional<Decision> repeated(const QueuedOperation& queued, const StockRow& row,
                                   const Event& event) const;
  std::optional<Refused> refuse(const StockOperation& operation, const StockRow& row,
                                Intent intent) const;
  std::optional<Refused> refuse_event(const StockOperation& operation, StockRow& row,
                                      const Event& event, Intent intent);
  std::optional<Refused> refuse_void(const StockOperation& operation, const StockRow& row) const;
  [[nodiscard]] bool is_void_waiting(const StockRow& row, EventId target) const;
  Decision defer(const StockRow& row, BatchResult::Deferred why);

  /// Adds the event to the fold and to the ledger.
  Written append(const QueuedOperation& queued, StockRow& row, const Event& event,
                 Instant received_at);
  Written void_event(const QueuedOperation& queued, StockRow& row, const Event& event,
                     Instant received_at);
  Written written(const StockRow& row, const Shelf& before, EventOutcome outcome) const;
  EventOutcome show(StockRow& row, const Shelf& before, Instant observed_at, Instant received_at);

  std::optional<ArrivedEvent> find_target(const StockRow& row, EventId id) const;
  std::optional<ArrivedEvent> find(const StockRow& row, EventId id) const;
  ReadingHistory& history_of(StockRow& row);
  [[nodiscard]] std::size_t history_reads() const;

  StockRows& rows_;
  HistorySource& source_;
  Context context_;
  std::map<const StockRow*, ReadingHistory> histories_;
  std::set<EventId> voided_;                                   // by this batch
  std::map<const StockRow*, BatchResult::Deferred> deferred_;  // and all later operations on them
  bool names_product_{false};
  BatchWrites writes_;
  std::vector<Decision> decisions_;
};

}  // namespace codasync::storage
