#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cache/entry_expiry.hpp"
#include "cache/make_cache.hpp"
#include "cache/slot_identity.hpp"
#include "cache/slot_keeper.hpp"
#include "storage/errors.hpp"
#include "storage/make_storage.hpp"
#include "tests/cache/text_source.hpp"
#include "tests/support/database.hpp"
#include "tests/support/memcached.hpp"
#include "tests/support/tcp_gate.hpp"

// Processes with one keeper each, on real servers; the test controls their time.

namespace codasync::cache {

using namespace std::chrono_literals;
using storage::Lock;
using storage::LockMode;
using test::TcpGate;

class Steps : public SlotObserver {
 public:
  void changed(std::size_t, SlotStep step, std::chrono::milliseconds) override {
    steps.push_back(step);
  }
  void failed(const std::string& detail) override { failures.push_back(detail); }
  void saw(const storage::CacheState& state) override {
    for (const auto& slot : state.slots) identities.set(slot.number, slot.identity);
    if (on_saw) on_saw();
  }
  void emptied(std::size_t slot, const std::string& identity) override {
    identities.set(slot, identity);
  }
  void another_process(std::size_t) override { ++other_processes; }
  SlotIdentities identities;
  int other_processes{0};
  std::vector<SlotStep> steps;
  std::vector<std::string> failures;
  std::function<void()> on_saw;
};

/// A process with one keeper, a cache and a writer, on one Memcached. The test controls the time.
class Process {
 public:
  Process(storage::PostgresOptions postgres, const MemcachedOptions& memcached)
      : postgres_{with_cache(std::move(postgres), memcached)}, memcached_{memcached} {}

  void round(std::chrono::milliseconds later = 0ms) {
    pass(later);
    keeper.round();
  }
  void pass(std::chrono::milliseconds time) { now_ += time; }
  /// Rounds after a deletion was lost, until a slot without a response is waiting.
  void lose_deletion_and_wait() {
    keeper.report(0);
    round();
    for (int i = 1; i < NoResponseTimer::kRoundsMin; ++i) round(NoResponseTimer::kDurationMin);
  }
  /// Returns: the path of a read.
  ReadPath read() {
    test::TextSource source{[](storage::Reader&) { return "value"; }};
    return cache_->read_through(kKey, kLocks, source);
  }
  /// Returns: whether a writer may commit.
  bool write() try {
    invalidation_->begin({.products = {kTea}}, states())->acknowledge();
    return true;
  } catch (const Unavailable&) {
    return false;
  }

  Steps observer{};

 private:
  static storage::PostgresOptions with_cache(storage::PostgresOptions options,
                                             const MemcachedOptions& memcached) {
    options.cache_slots = memcached.servers.size();
    options.cache_entry_lifetime = memcached.entry_ttl + memcached.lease_ttl;
    options.lock_timeout = 4s;  // a keeper waits half as long
    return options;
  }
  storage::SlotStates states() {
    storage::SlotStates states;
    for (const auto& slot : table_->look().slots) states.push_back(slot.state);
    return states;
  }

  static inline const Gtin kTea = Gtin::from_number(4006381333931);
  static inline const Key kKey = product_row(kTea);
  static inline const std::vector<Lock> kLocks{{storage::product_lock(kTea), LockMode::shared}};

  const storage::PostgresOptions postgres_;
  const MemcachedOptions memcached_;
  Observer no_observer_;
  std::unique_ptr<storage::SlotTable> table_ = storage::make_slot_table(postgres_);
  std::unique_ptr<storage::Database> database_ = storage::make_database(postgres_);
  std::unique_ptr<ServerControl> servers_ = make_server_control(memcached_);
  std::unique_ptr<Cache> cache_ =
      make_cache(memcached_, *database_, no_observer_, &observer.identities);
  std::unique_ptr<storage::Invalidation> invalidation_ =
      make_invalidation(memcached_, no_observer_, &observer.identities);
  SlotKeeper::Clock::time_point now_ = SlotKeeper::Clock::now();

 public:
  SlotKeeper keeper{*table_, *servers_, observer, [this] { return now_; }};
};

class SlotKeeperTest : public testing::Test {
 protected:
  MemcachedOptions options() const {
    MemcachedOptions options;
    options.servers = {memcached.address()};
    options.entry_ttl = 60s;
    options.rest_after_failure = 0ms;
    options.connect_timeout = options.answer_timeout = 500ms;  // the machine may be slow
    return options;
  }
  /// Memcached through the gate. A refused connection to the gate would not mean that Memcached has
  /// ended, so no test does that.
  MemcachedOptions options_behind_gate() const {
    auto changed = options();
    changed.servers = {gate.address()};
    return changed;
  }
  bool becomes_up(Process& process) {
    return test::eventually([&] {
      process.round();
      return state() == "up";
    });
  }
  static void rounds_of(Process& process, int count) {
    for (int i = 0; i < count; ++i) process.round(1s);
  }
  [[nodiscard]] std::string state() const { return database.run("select state from cache_slots"); }

  test::TestDatabase database;
  test::Memcached memcached;
  TcpGate gate{memcached.address()};
  const std::chrono::milliseconds wait = wait_after_last_fill(65s);
};

}  // namespace codasync::cache
