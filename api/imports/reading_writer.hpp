#pragma once

#include <functional>
#include <string>
#include <variant>

#include "storage/mutex.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::api {

/// Operations of an import that the ledger of a command has at a time.
inline constexpr std::size_t kImportInFlightMax = 1024;

/// Sends many operations to the ledger, a bounded number at a time.
/// Threads: one; `refused` and `written` are called on the ledger's.
class ReadingWriter {
 public:
  struct Counts {
    std::size_t applied{0};
    std::size_t created{0};     // of these: of a reading that was absent
    std::size_t kept{0};        // changed neither date nor quantity
    std::size_t duplicates{0};  // were already recorded
    std::size_t voided{0};      // of these: were voided since
    std::size_t refused{0};
    std::size_t failed{0};
  };

  /// Requires: `ledger` outlives the writer; in_flight_max > 0.
  ReadingWriter(storage::StockLedger& ledger, std::size_t in_flight_max, storage::Token actor)
      : ledger_{ledger}, in_flight_max_{in_flight_max}, actor_{std::move(actor)} {}
  ~ReadingWriter() { wait_for(0); }
  ReadingWriter(const ReadingWriter&) = delete;
  ReadingWriter& operator=(const ReadingWriter&) = delete;

  using OnRefused = std::function<void(storage::Refused::Why)>;
  using OnWritten = std::function<void(const storage::Written&)>;

  /// Waits while in_flight_max operations are in flight. Sets the operation's actor.
  void write(storage::StockOperation operation, OnRefused refused, OnWritten written = {});

  /// Returns: how many operations were refused until now.
  [[nodiscard]] std::size_t refused();

  /// Returns: whether an operation was refused because the actor's token was revoked.
  [[nodiscard]] bool token_revoked();

  /// Waits for all operations.
  Counts finish();

  /// Returns: the cause of the last failure until now; empty: none failed.
  [[nodiscard]] std::string failure();

 private:
  void wait_for(std::size_t in_flight);
  void take(const storage::StockResult& result, const OnRefused& refused, const OnWritten& written);

  storage::StockLedger& ledger_;
  const std::size_t in_flight_max_;
  const storage::Token actor_;

  Mutex mutex_;
  Condition changed_;
  std::size_t in_flight_ CODASYNC_GUARDED_BY(mutex_){0};
  Counts counts_ CODASYNC_GUARDED_BY(mutex_);
  bool revoked_ CODASYNC_GUARDED_BY(mutex_){false};
  std::string failure_ CODASYNC_GUARDED_BY(mutex_);
};

}  // namespace codasync::api
