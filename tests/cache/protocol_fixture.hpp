#pragma once

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/make_cache.hpp"
#include "storage/make_storage.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "tests/cache/text_source.hpp"
#include "tests/support/database.hpp"
#include "tests/support/memcached.hpp"
#include "tests/support/sealed.hpp"

// The protocol of cache/README.md, with a real PostgreSQL and real Memcacheds. `produce` runs
// between the lease and the entry: what a test does there happens during a fill.

namespace codasync::cache {

using namespace std::chrono_literals;
using storage::Lock;
using storage::LockMode;
using test::fetch;
using test::Fetched;
using test::TextSource;

inline const Gtin kTea = Gtin::from_number(4006381333931);
inline const Key kEntry = product_response(kTea);
inline const std::vector kFillLocks{Lock{storage::product_lock(kTea), LockMode::shared}};
inline const std::vector kListLocks{Lock{storage::catalogue_lock(), LockMode::exclusive}};

struct CountingObserver : Observer {
  void malformed(std::size_t slot) override { ++malformed_entries[slot]; }
  std::array<int, 2> malformed_entries{};
};

class Protocol : public testing::Test {
 protected:
  void SetUp() override {
    database_.run("insert into products (gtin, name) values (4006381333931, 'old')");
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
    options.statement_timeout = 60s;  // these tests are not about the speed of the machine
    return options;
  }
  [[nodiscard]] MemcachedOptions options() const {
    MemcachedOptions options;
    options.servers = {memcached_[0].address(), memcached_[1].address()};
    // Long, because these tests are not about the speed of the machine.
    options.connect_timeout = options.answer_timeout = 20s;
    options.lease_ttl = 60s;
    options.rest_after_failure = 0ms;
    return options;
  }

  static std::string name_of_tea(storage::Reader& reader) { return reader.product(kTea)->name; }

  /// Reads the product's name through the cache; `meanwhile` happens after it was read from the
  /// database and before it is stored.
  Fetched read(const std::function<void()>& meanwhile = [] {}) {
    return fetch(*cache_, kEntry, kFillLocks, TextSource{[&](storage::Reader& reader) {
      const auto name = name_of_tea(reader);
      meanwhile();
      return name;
    }});
  }
  Fetched list(
      const std::string& query = "all", const std::function<void()>& meanwhile = [] {}) {
    return list_of(query, [&] {
      const auto name = name_of_tea(*storage_->read());
      meanwhile();
      return name;
    });
  }
  Fetched list_of(const std::string& query, std::function<std::string()> make,
                  std::optional<Instant> changes_at = std::nullopt) {
    test::TextListSource source{std::move(make), changes_at};
    const auto path = cache_->read_list(catalogue_generation(), kListLocks, query, source);
    return {source.text(), path};
  }

  /// A writer, up to its commit.
  class Writer {
   public:
    explicit Writer(Protocol& test, const std::string& name)
        : connection_{postgres(test.database_.options())},
          transaction_{connection_,
                       {{storage::catalogue_lock(), LockMode::shared},
                        {storage::product_lock(kTea), LockMode::exclusive}},
                       {}} {
      transaction_.exec_params("update products set name = $1", name);
      storage::Changes changes;
      changes.products.push_back(kTea);
      changes.catalogue = true;
      test.invalidation_->begin(changes, {})->acknowledge();
    }
    void commit() { transaction_.commit(); }

   private:
    storage::postgres::Connection connection_;
    storage::postgres::WriteTransaction transaction_;
  };
  void write(const std::string& name) { Writer{*this, name}.commit(); }

  /// Ends every session of the database but its own: a fill loses its locks.
  void kill_sessions() {
    database_.run(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()");
  }
  [[nodiscard]] std::string raw(const Key& key) const {
    return memcached_[slot_of(key, 2)].ask("get " + key.text);
  }
  void put_raw(const Key& key, const std::string& value) const {
    memcached_[slot_of(key, 2)].ask(test::store_bytes(key.text, value));
  }
  void put(const Key& key, const std::string& content) const {
    memcached_[slot_of(key, 2)].ask(test::store_sealed(key.text, content));
  }
  void delete_raw(const Key& key) const { memcached_[slot_of(key, 2)].ask("delete " + key.text); }
  /// Returns: the token of the catalogue's generation.
  [[nodiscard]] std::string token() const {
    const auto text = raw(catalogue_generation());  // VALUE … CR LF seal token CR LF END
    return text.substr(text.find("\r\n") + 2 + EntrySeal::kBytes, 32);
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
