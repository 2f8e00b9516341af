#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "storage/stock_batch.hpp"
#include "storage/stock_rows.hpp"

namespace codasync::storage {

/// Decides a batch's operations one after the other on rows that are locked. It changes `rows` and
/// collects what has to be written; the transaction is asked only for what a late event or a void
/// needs of the history.
class StockFold {
 public:
  struct Context {
    std::set<std::int64_t> shops;  // that exist
    std::function<bool(TokenId)> token_is_valid;
    std::vector<KeptAnswer> kept_answers;                  // under the batch's idempotency keys
    std::function<std::vector<Event>(ReadingId)> history;  // the events in the ledger
    std::optional<ProductName>
        named;  // the product as this transaction will write it, where it does
    Instant now;
  };

  StockFold(StockRows& rows, Context context) : rows_{rows}, context_{std::move(context)} {}

  /// Returns: what to tell the client, or nothing when the operation was left alone: it writes its
  /// product too, or came after one of the same reading that does.
  std::optional<StockResult> decide(const QueuedOperation& queued);

  [[nodiscard]] const std::vector<LedgerLine>& ledger() const noexcept { return ledger_; }
  [[nodiscard]] const std::vector<KeptAnswer>& new_answers() const noexcept { return new_answers_; }

  /// Returns: whether an operation gave the product its new name.
  [[nodiscard]] bool names_product() const noexcept { return names_product_; }

  /// Returns: what others see differently from now on.
  [[nodiscard]] Changes changes() const;

 private:
  std::optional<StockResult> replay(const QueuedOperation& queued) const;
  std::optional<Refused> refuse(const StockOperation& operation, const StockRow& row) const;
  std::optional<Refused> refuse_event(const StockOperation& operation, const StockRow& row,
                                      const Event& event);
  std::vector<Event> history_of(const StockRow& row);

  StockRows& rows_;
  const Context context_;
  std::set<const StockRow*> left_alone_;
  std::map<const StockRow*, std::vector<Event>> histories_;  // read once, however many ask
  bool names_product_{false};
  std::vector<LedgerLine> ledger_;
  std::vector<KeptAnswer> new_answers_;
};

}  // namespace codasync::storage
