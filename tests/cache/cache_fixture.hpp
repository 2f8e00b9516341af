#pragma once

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>

#include "cache/make_cache.hpp"
#include "storage/make_storage.hpp"
#include "tests/support/database.hpp"
#include "tests/support/memcached.hpp"

namespace codasync::cache {

using namespace std::chrono_literals;

struct CountingObserver : Observer {
  void malformed(std::size_t slot) override { ++malformed_entries[slot]; }
  std::array<std::atomic<int>, 2> malformed_entries{};
};

/// A cache with a real PostgreSQL and two real Memcacheds, whose slots are in use. Its time limits
/// are long, because these tests are not about the speed of the machine.
class CacheTest : public testing::Test {
 protected:
  CacheTest() {
    // As the slot keeper leaves it.
    database_.run(
        "update cache_settings set slots = 2, entry_life = 3660;"
        "insert into cache_slots (slot, state, timeline) select slot, 'up', "
        "left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) from generate_series(0, 1) slot");
  }

  static storage::PostgresOptions postgres(const storage::PostgresOptions& made) {
    auto options = made;
    options.cache_slots = 2;
    options.cache_entry_lifetime = 3660s;
    options.lock_timeout = 10s;
    options.statement_timeout = 60s;
    return options;
  }
  [[nodiscard]] MemcachedOptions options(std::chrono::milliseconds answer_timeout = 20s) const {
    MemcachedOptions options;
    options.servers = {memcached_[0].address(), memcached_[1].address()};
    options.connect_timeout = options.answer_timeout = answer_timeout;
    options.lease_ttl = 60s;
    options.rest_after_failure = 0ms;
    return options;
  }

  /// Ends every session of the database but its own: a fill loses its locks.
  void kill_sessions() {
    database_.run(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()");
  }

  test::TestDatabase database_;
  test::Memcached memcached_[2];
  CountingObserver observer_;
  std::unique_ptr<storage::Database> storage_ =
      storage::make_database(postgres(database_.options()));
  std::unique_ptr<Cache> cache_ = make_cache(options(), *storage_, observer_);
  std::unique_ptr<storage::Invalidation> invalidation_ = make_invalidation(options(), observer_);
};

}  // namespace codasync::cache
