#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/observability/samples.hpp"
#include "cache/observer.hpp"
#include "storage/ledger_observer.hpp"
#include "storage/pool_observer.hpp"
#include "storage/slot_table.hpp"

namespace codasync::api {

/// The service's metrics, named by Prometheus' conventions. Each series starts with a zero, except
/// those with labels that depend on the requests. Counting takes well under a microsecond
/// (tests/bench/README.md). Threads: safe concurrently.
class Metrics : public cache::Observer,
                public storage::LedgerObserver,
                public storage::PoolObserver {
 public:
  /// `slots`: the number of Memcached servers.
  explicit Metrics(std::size_t slots);
  ~Metrics() override;

  /// Counts a request. `route`: the pattern, so that the number of series stays bounded.
  /// Requires: `route` and `method` outlive the metrics.
  void request(std::string_view route, std::string_view method, int status,
               std::chrono::duration<double> took);

  /// Nginx found a malformed entry.
  void malformed_at_edge();

  /// Nginx' clock was that far behind this machine's; negative: ahead.
  void edge_behind(std::chrono::duration<double> offset);

  /// Counts a refused token. `why`: malformed, unknown, revoked or expired.
  void token_failed(std::string_view why);

  /// Calls `collect` at each scrape. When it throws, the failure is counted and only its samples
  /// are missing. Requires: text() was not called yet.
  void on_scrape(std::function<std::vector<Sample>()> collect);

  /// Returns: all metrics in Prometheus' text format 0.0.4. May block: it calls the functions of
  /// on_scrape().
  [[nodiscard]] std::string text();

  /// Sets how far this machine's clock is behind the database's.
  void clock_offset(std::chrono::duration<double> offset);

  /// Sets the states of the cache slots.
  void slots(const storage::CacheState& cache);

  void looked_up(cache::LookupState state) override;
  void read(cache::ReadPath path) override;
  void unavailable(std::size_t slot, std::string_view log_detail) override;
  void malformed(std::size_t slot) override;
  void delete_failed(std::size_t slot, cache::Unreachable reason,
                     std::string_view log_detail) override;
  void deleted(std::size_t keys, std::chrono::nanoseconds took) override;

  void on_batch(const Batch& batch) override;
  void on_refusals(std::size_t operations) override;
  void on_split() override;
  void on_retry() override;
  void on_doubt() override;
  void on_overload() override;

  void on_lent(storage::PoolName pool, storage::PoolObserver::Seconds wait) override;
  void on_returned(storage::PoolName pool) override;
  void on_refused(storage::PoolName pool) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api
