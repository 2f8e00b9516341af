#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/observability/figures.hpp"
#include "cache/observer.hpp"
#include "storage/ledger_observer.hpp"
#include "storage/pool_observer.hpp"
#include "storage/slot_table.hpp"

namespace codasync::api {

/// What the service counts, named by Prometheus' conventions. Every series is there from the start
/// with a zero, except those whose labels only the traffic tells. To count costs well under a
/// microsecond (tests/bench/README.md). Threads: safe concurrently.
class Metrics : public cache::Observer,
                public storage::LedgerObserver,
                public storage::PoolObserver {
 public:
  /// `slots`: how many Memcacheds there are.
  explicit Metrics(std::size_t slots);
  ~Metrics() override;

  /// One answered request; `route` is its pattern, so that the number of series stays bounded.
  /// `route` and `method` live as long as the metrics.
  void request(std::string_view route, std::string_view method, int status,
               std::chrono::duration<double> took);

  /// Asks `figures` whenever somebody scrapes, as long as the metrics live. What it throws is
  /// counted, and costs that scrape these figures alone. Requires: nobody scrapes yet.
  void on_scrape(std::function<std::vector<Figure>()> figures);

  /// Returns: everything in Prometheus' text format 0.0.4. Takes as long as what on_scrape() was
  /// given.
  [[nodiscard]] std::string text();

  /// How far this process's clock is behind the database's, as seen last.
  void clock_offset(std::chrono::duration<double> offset);

  /// The states of the cache's slots, as seen last.
  void slots(const storage::CacheState& cache);

  void looked_up(cache::LookupState state) override;
  void read(cache::ReadPath path) override;
  void unavailable(std::size_t slot, std::string_view log_detail) override;
  void malformed(std::size_t slot) override;
  void delete_failed(std::size_t slot, cache::Loss loss, std::string_view log_detail) override;
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
