#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cache/observer.hpp"
#include "storage/ledger_observer.hpp"
#include "storage/slot_table.hpp"

namespace codasync::api {

/// What the service counts, named by Prometheus' conventions. Threads: safe concurrently.
class Metrics : public cache::Observer, public storage::LedgerObserver {
 public:
  Metrics();
  ~Metrics() override;

  /// One answered request; `route` is its pattern, so that the number of series stays bounded.
  void request(std::string_view route, std::string_view method, int status,
               std::chrono::duration<double> took);

  /// Registers a number that is read when somebody scrapes. `value` stays callable as long as the
  /// metrics live.
  void gauge(const std::string& name, const std::string& help, std::function<double()> value);

  /// Returns: everything in Prometheus' text format 0.0.4.
  [[nodiscard]] std::string text() const;

  /// The states of the cache's slots, as seen last.
  void slots(const storage::CacheState& state);

  void looked_up(cache::LookupState state) override;
  void read(cache::ReadPath path) override;
  void unavailable(std::size_t slot, std::string_view log_detail) override;
  void delete_failed(std::size_t slot, cache::Loss loss, std::string_view log_detail) override;
  void deleted(std::size_t keys, std::chrono::nanoseconds took) override;

  void on_batch(const Batch& batch) override;
  void on_refusals(std::size_t operations) override;
  void on_split() override;
  void on_retry() override;
  void on_doubt() override;
  void on_overload() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api
