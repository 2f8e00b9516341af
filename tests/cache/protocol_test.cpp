#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "cache/entry_expiry.hpp"
#include "cache/list_entry.hpp"
#include "cache/make_cache.hpp"
#include "storage/errors.hpp"
#include "storage/make_storage.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "tests/cache/text_source.hpp"
#include "tests/support/database.hpp"
#include "tests/support/memcached.hpp"
#include "tests/support/sealed.hpp"

// The protocol of cache/README.md, with a real PostgreSQL and real Memcacheds. `produce` runs
// between the lease and the entry: what a test does there happens during a fill.

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using storage::Lock;
using storage::LockMode;
using test::fetch;
using test::Fetched;
using test::TextSource;
using testing::HasSubstr;

const Gtin kTea = Gtin::from_number(4006381333931);
const Key kEntry = product_response(kTea);
const std::vector kFillLocks{Lock{storage::product_lock(kTea), LockMode::shared}};
const std::vector kListLocks{Lock{storage::catalogue_lock(), LockMode::exclusive}};

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

TEST_F(Protocol, fills_with_the_first_read_and_hits_with_the_second) {
  EXPECT_EQ(read().path, ReadPath::filled);
  const auto second = read([] { FAIL() << "a hit produces nothing"; });
  EXPECT_EQ(second.path, ReadPath::hit);
  EXPECT_EQ(second.bytes, "old");
  EXPECT_EQ(cache_->lookup(std::array{kEntry})[0].bytes, "old");
}

TEST_F(Protocol, shows_what_was_written_to_the_next_read) {
  read();
  write("new");
  EXPECT_EQ(read().bytes, "new");
  EXPECT_EQ(read().path, ReadPath::hit);
}

TEST_F(Protocol, stores_nothing_while_a_writer_holds_the_locks) {
  read();
  Writer writer{*this, "new"};
  const auto meanwhile = read();
  EXPECT_EQ(meanwhile.path, ReadPath::lock_busy);
  EXPECT_EQ(meanwhile.bytes, "old") << "the write is not acknowledged yet";
  EXPECT_EQ(raw(kEntry), "END") << "no placeholder delays the next reader";
  writer.commit();
  const auto after = read();
  EXPECT_EQ(after.path, ReadPath::filled);
  EXPECT_EQ(after.bytes, "new");
}

TEST_F(Protocol, makes_a_writer_wait_for_the_fill) {
  std::atomic<bool> written{false};
  std::jthread writer;
  const auto filled = read([&] {
    writer = std::jthread{[&] {
      write("new");
      written = true;
    }};
    // It waits for the product's lock; if it does not, it writes, and the next line says so.
    EXPECT_TRUE(test::eventually([&] {
      return written || database_.run(
                            "select count(*) from pg_locks join pg_database on oid = database"
                            " where datname = current_database() and not granted") == "1";
    }));
    EXPECT_FALSE(written);
  });
  EXPECT_EQ(filled.path, ReadPath::filled);
  EXPECT_EQ(filled.bytes, "old");
  writer.join();
  EXPECT_EQ(read().bytes, "new");
}

TEST_F(Protocol, stores_nothing_old_when_a_fill_loses_its_locks) {
  const auto late = read([&] {
    kill_sessions();
    write("new");
  });
  EXPECT_EQ(late.path, ReadPath::not_stored);
  EXPECT_EQ(raw(kEntry), "END");
  EXPECT_EQ(read().bytes, "new");
}

TEST_F(Protocol, stores_nothing_old_over_what_a_faster_fill_stored) {
  const auto late = read([&] {
    kill_sessions();
    write("new");
    EXPECT_EQ(read().path, ReadPath::filled);
  });
  EXPECT_EQ(late.path, ReadPath::not_stored);
  EXPECT_EQ(read().path, ReadPath::hit);
  EXPECT_EQ(read().bytes, "new");
}

// The restarted server gives another filler's placeholder the id of the fill's lease.
TEST_F(Protocol, stores_nothing_old_when_memcached_restarts_during_a_fill) {
  auto& home = memcached_[slot_of(kEntry, 2)];
  const auto placeholder = [&] {  // its id: VALUE <key> <flags> <bytes> <id>
    const auto reply = home.ask("gets " + kEntry.text);
    const auto line = reply.substr(0, reply.find('\r'));
    return line.substr(line.rfind(' ') + 1);
  };
  std::string other;
  const auto late = read([&] {
    const auto own = placeholder();
    kill_sessions();
    home.restart();
    write("new");
    for (int i = 0; other != own; ++i) {
      ASSERT_LT(i, 100) << "ids do not restart from 1: this test shows nothing";
      home.ask("delete " + kEntry.text);
      home.ask("add " + kEntry.text + " 1 60 5\r\nlease");
      other = placeholder();
    }
  });
  EXPECT_EQ(late.path, ReadPath::not_stored);
  EXPECT_EQ(placeholder(), other);
}

TEST_F(Protocol, removes_the_placeholder_when_a_fill_fails) {
  EXPECT_THROW(read([] { throw Unavailable{"postgres", "for the test"}; }), Unavailable);
  EXPECT_EQ(read().path, ReadPath::filled);
}

TEST_F(Protocol, stores_no_result_that_may_not_be_stored) {
  const auto absent =
      fetch(*cache_, kEntry, kFillLocks, TextSource{[](storage::Reader&) { return "404"; }, false});
  EXPECT_EQ(absent.path, ReadPath::not_stored);
  EXPECT_EQ(absent.bytes, "404");
  EXPECT_EQ(raw(kEntry), "END");
}

TEST_F(Protocol, reads_the_database_while_another_filler_has_the_lease) {
  memcached_[slot_of(kEntry, 2)].ask("add " + kEntry.text + " 1 60 5\r\nlease");
  const auto result = read();
  EXPECT_EQ(result.path, ReadPath::lease_lost);
  EXPECT_EQ(result.bytes, "old");
}

TEST_F(Protocol, reads_without_filling_while_all_connections_for_fills_are_in_use) {
  auto few = postgres(database_.options());
  few.fill_connections_max = 1;
  few.acquire_timeout = 20s;
  const auto storage = storage::make_database(few);
  const auto cache = make_cache(options(), *storage, observer_);
  const auto shop = shop_response(ShopId{1});
  const auto read_shop = [&] {
    return fetch(*cache, shop, {Lock{storage::shop_lock(ShopId{1}), LockMode::shared}},
                 TextSource{[](storage::Reader&) { return "shop"; }});
  };
  fetch(*cache, kEntry, kFillLocks, TextSource{[&](storage::Reader&) {
    const auto start = std::chrono::steady_clock::now();
    const auto meanwhile = read_shop();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
    EXPECT_EQ(meanwhile.path, ReadPath::lock_busy);
    EXPECT_EQ(meanwhile.bytes, "shop");
    EXPECT_EQ(raw(shop), "END") << "no placeholder delays the next reader";
    return "tea";
  }});
  EXPECT_EQ(read_shop().path, ReadPath::filled);
}

TEST_F(Protocol, reads_the_database_when_memcached_does_not_respond_and_uses_it_again_later) {
  read();
  auto short_timeout = options();
  short_timeout.answer_timeout = 50ms;
  const auto cache = make_cache(short_timeout, *storage_, observer_);
  const auto through = [&] { return fetch(*cache, kEntry, kFillLocks, TextSource{name_of_tea}); };
  auto& home = memcached_[slot_of(kEntry, 2)];
  home.freeze();
  EXPECT_EQ(through().path, ReadPath::unavailable);
  EXPECT_EQ(through().bytes, "old");
  home.thaw();
  EXPECT_TRUE(test::eventually([&] { return through().path == ReadPath::hit; }));
}

TEST_F(Protocol, deletes_a_malformed_entry_and_fills_it_again) {
  put(kEntry, "malformed");
  EXPECT_EQ(cache_->lookup(std::array{kEntry})[0].bytes, "malformed")
      << "only its caller can decode it";
  const auto result = read();
  EXPECT_EQ(result.path, ReadPath::filled);
  EXPECT_EQ(result.bytes, "old");
  EXPECT_EQ(observer_.malformed_entries[slot_of(kEntry, 2)], 1);
  EXPECT_EQ(read().path, ReadPath::hit);
}

TEST_F(Protocol, deletes_an_entry_without_a_seal_and_fills_it_again) {
  put_raw(kEntry, "forged, and it could be decoded");
  const auto found = cache_->lookup(std::array{kEntry})[0];
  EXPECT_EQ(found.state, LookupState::hit);
  EXPECT_EQ(found.bytes, "") << "which no process stores";
  EXPECT_EQ(read().bytes, "old");
  EXPECT_EQ(observer_.malformed_entries[slot_of(kEntry, 2)], 1);
  EXPECT_EQ(read().path, ReadPath::hit);
}

TEST_F(Protocol, deletes_a_malformed_entry_that_it_may_not_fill_again) {
  put(kEntry, "malformed");
  Writer writer{*this, "new"};
  put(kEntry, "malformed");
  EXPECT_EQ(read().path, ReadPath::lock_busy);
  EXPECT_EQ(raw(kEntry), "END");
}

TEST_F(Protocol, stores_in_no_slot_that_is_down) {
  database_.run("update cache_slots set state = 'down' where slot = " +
                std::to_string(slot_of(kEntry, 2)));
  EXPECT_EQ(read().path, ReadPath::not_stored);
  EXPECT_EQ(raw(kEntry), "END");
}

class LookupOnTwoServers : public Protocol {
 protected:
  static constexpr auto kTimeout = 1500ms;

  void SetUp() override {
    Protocol::SetUp();
    for (std::int64_t shop = 1; keys_.size() < 2; ++shop) {
      const Key key = shop_response(ShopId{shop});
      if (slot_of(key, 2) == keys_.size()) keys_.push_back(key);
    }
    for (const Key& key : keys_) put(key, "value of " + key.text);
    expect_hits();
  }

  std::vector<Lookup> look_up() {
    const auto start = std::chrono::steady_clock::now();
    auto found = lookup_->lookup(keys_);
    took_ = std::chrono::steady_clock::now() - start;
    return found;
  }
  void expect_hits() {
    const auto found = look_up();
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(found[i].state, LookupState::hit) << i;
      EXPECT_EQ(found[i].bytes, "value of " + keys_[i].text);
    }
  }
  [[nodiscard]] MemcachedOptions with_timeout() const {
    auto made = options();
    made.answer_timeout = kTimeout;
    return made;
  }

  std::vector<Key> keys_;  // one on each
  std::unique_ptr<Cache> lookup_ = make_cache(with_timeout(), *storage_, observer_);
  std::chrono::steady_clock::duration took_{};
};

TEST_F(LookupOnTwoServers, waits_one_timeout_for_both) {
  for (auto& memcached : memcached_) memcached.freeze();
  const auto found = look_up();
  for (const auto& each : found) EXPECT_EQ(each.state, LookupState::unavailable);
  EXPECT_GE(took_, kTimeout);
  EXPECT_LT(took_, kTimeout * 5 / 3) << "not the sum of two";
}

TEST_F(LookupOnTwoServers, finds_the_entry_of_one_while_the_other_does_not_respond) {
  for (std::size_t frozen = 0; frozen < 2; ++frozen) {
    memcached_[frozen].freeze();
    const auto found = look_up();
    EXPECT_EQ(found[frozen].state, LookupState::unavailable);
    EXPECT_EQ(found[1 - frozen].bytes, "value of " + keys_[1 - frozen].text);
    EXPECT_LT(took_, kTimeout * 5 / 3);
    memcached_[frozen].thaw();
    // Only a read closes the circuit of the server that failed.
    const TextSource shop{[](storage::Reader&) { return "shop"; }};
    EXPECT_TRUE(test::eventually(
        [&] { return fetch(*lookup_, keys_[frozen], {}, shop).path == ReadPath::hit; }));
    expect_hits();
  }
}

TEST_F(LookupOnTwoServers, reads_a_large_entry_of_one_after_the_timeout_of_the_other) {
  const std::string large(900'000, 'x');  // more than a socket buffer
  put(keys_[1], large);
  memcached_[0].freeze();
  const auto found = look_up();
  EXPECT_EQ(found[0].state, LookupState::unavailable);
  EXPECT_EQ(found[1].bytes, large);
}

class Lists : public Protocol {
 protected:
  [[nodiscard]] static std::size_t home() { return slot_of(catalogue_generation(), 2); }
  void put_list(const std::string& query, const std::string& value) const {
    memcached_[home()].ask(test::store_sealed(list_place(query).text, value));
  }
};

TEST_F(Lists, are_found_by_their_query_until_a_row_of_them_changes) {
  EXPECT_EQ(list("all").path, ReadPath::filled);
  EXPECT_EQ(list("all").path, ReadPath::hit);
  EXPECT_EQ(list("some").path, ReadPath::filled) << "another query, the same generation";
  write("new");
  for (const auto* query : {"all", "some"}) {
    const auto after = list(query);
    EXPECT_EQ(after.path, ReadPath::filled) << query;
    EXPECT_EQ(after.bytes, "new") << query;
  }
}

TEST_F(Lists, are_filled_again_when_the_entry_is_malformed) {
  list();
  for (const auto& malformed :
       {std::string{"x"}, token() + " all\n", token() + "\r\n", token() + " \r\n",
        "x" + token() + " all\r\n", token() + " all\r\nmalformed"}) {
    put_list("all", malformed);
    observer_ = {};
    EXPECT_EQ(list().path, ReadPath::filled) << testing::PrintToString(malformed);
    EXPECT_EQ(list().path, ReadPath::hit);
    EXPECT_EQ(observer_.malformed_entries[home()], 1) << testing::PrintToString(malformed);
  }
}

TEST_F(Lists, with_the_same_place_replace_each_other_and_never_show_each_other) {
  std::map<std::string, std::string> place_of;
  std::string one;
  std::string other;
  for (int i = 0; other.empty(); ++i) {
    const auto query = "q" + std::to_string(i);
    const auto [known, is_new] = place_of.try_emplace(list_place(query).text, query);
    if (!is_new) {
      one = known->second;
      other = query;
    }
  }
  const auto read_as = [&](const std::string& query) {
    return list_of(query, [&] { return "list " + query; });
  };
  for (int round = 0; round < 2; ++round) {
    for (const auto& query : {one, other}) {
      EXPECT_EQ(read_as(query).path, ReadPath::filled);
      EXPECT_EQ(read_as(query).path, ReadPath::hit);
      EXPECT_EQ(read_as(query).bytes, "list " + query);
    }
  }
  EXPECT_EQ(observer_.malformed_entries[home()], 0);
}

TEST_F(Lists, are_stored_in_the_slot_of_their_generation) {
  for (int i = 0; i < 20; ++i) {
    const auto query = "q" + std::to_string(i);
    list(query);
    EXPECT_THAT(memcached_[home()].ask("get " + list_place(query).text),
                HasSubstr(token() + " " + query + "\r\nold"));
    EXPECT_EQ(memcached_[1 - home()].ask("get " + list_place(query).text), "END");
  }
}

TEST_F(Lists, that_are_too_large_or_may_not_be_stored_are_not_stored) {
  const std::size_t head = EntrySeal::kBytes + std::string{" all\r\n"}.size() + 32;
  for (const auto& [size, path] : {std::pair{std::size_t{0}, ReadPath::not_stored},
                                   std::pair{kListBytesMax - head + 1, ReadPath::not_stored},
                                   std::pair{kListBytesMax - head, ReadPath::filled}}) {
    const std::string text(size, 'x');
    EXPECT_EQ(list_of("all", [&] { return text; }).path, path) << size;
  }
  EXPECT_EQ(list().bytes.size(), kListBytesMax - head) << "a hit";
}

TEST_F(Lists, end_when_their_content_changes_by_itself) {
  const auto read_until = [&](std::chrono::seconds left) {
    delete_raw(catalogue_generation());
    return list_of(
               "all", [] { return "before"; }, now() + left)
        .path;
  };
  EXPECT_EQ(read_until(1h), ReadPath::filled);
  const auto line = memcached_[home()].ask("get " + list_place("all").text);
  const auto expiry = std::stoll(line.substr(line.find(' ', 6) + 1));  // VALUE <key> <flags>
  EXPECT_LE(Instant{std::chrono::seconds{expiry}}, now() + 1h - kReaderClockDifferenceMax);
  EXPECT_EQ(read_until(2s), ReadPath::not_stored) << "it would live less than a second";
}

TEST_F(Lists, get_another_generation_when_the_token_is_malformed) {
  list();
  const auto before = token();
  for (const auto& malformed :
       {std::string{"malformed"}, before + "0", before.substr(1), std::string(32, '\n'),
        std::string(32, 'F'), std::string(300, '0')}) {
    put(catalogue_generation(), malformed);
    EXPECT_EQ(list().path, ReadPath::filled) << malformed;
    EXPECT_EQ(list().path, ReadPath::hit) << malformed;
    EXPECT_NE(token(), before);
  }
  EXPECT_EQ(observer_.malformed_entries[slot_of(catalogue_generation(), 2)], 6);
}

TEST_F(Lists, of_an_evicted_generation_are_never_found_again) {
  list();
  const auto before = raw(catalogue_generation());
  delete_raw(catalogue_generation());
  EXPECT_EQ(list().path, ReadPath::filled);
  EXPECT_NE(raw(catalogue_generation()), before) << "a token is used once";
}

/// Calls `granted` when a fill has its locks.
class DatabaseWithHook final : public storage::Database {
 public:
  DatabaseWithHook(storage::Database& database, std::function<void()> granted)
      : database_{database}, granted_{std::move(granted)} {}

  std::unique_ptr<storage::Reader> read() override { return database_.read(); }
  std::unique_ptr<storage::Fill> try_fill(std::span<const Lock> locks) override {
    auto held = database_.try_fill(locks);
    granted_();
    return held;
  }
  std::unique_ptr<storage::Fill> try_fill_each(std::span<const Lock> locks) override {
    return database_.try_fill_each(locks);
  }
  std::chrono::microseconds device_offset(const Uuid& device, Instant device_time) override {
    return database_.device_offset(device, device_time);
  }
  std::chrono::microseconds ping() override { return database_.ping(); }

 private:
  storage::Database& database_;
  const std::function<void()> granted_;
};

TEST_F(Lists, get_no_generation_from_a_fill_that_lost_its_locks) {
  DatabaseWithHook database{*storage_, [this] {
                              kill_sessions();
                              write("new");
                            }};
  const auto cache = make_cache(options(), database, observer_);
  test::TextListSource source{[&] { return name_of_tea(*storage_->read()); }};
  EXPECT_EQ(cache->read_list(catalogue_generation(), kListLocks, "all", source),
            ReadPath::not_stored);
  EXPECT_EQ(source.text(), "new");
  EXPECT_EQ(raw(catalogue_generation()), "END");
  EXPECT_EQ(list().bytes, "new");
}

TEST_F(Lists, that_were_read_before_a_write_are_not_found_after_it) {
  for (const bool has_generation : {false, true}) {
    if (has_generation) list("some");
    const auto late = list("all", [&] { write("new"); });
    EXPECT_EQ(late.bytes, "old") << "the read began before the write was acknowledged";
    const auto after = list("all");
    EXPECT_EQ(after.path, ReadPath::filled);
    EXPECT_EQ(after.bytes, "new");
    write("old");
  }
}

TEST_F(Lists, that_were_read_before_a_write_do_not_replace_what_was_read_after_it_for_good) {
  list();
  list("other", [&] {
    write("new");
    EXPECT_EQ(list("other").bytes, "new");
  });
  for (int i = 0; i < 2; ++i) EXPECT_EQ(list("other").bytes, "new");
  EXPECT_EQ(list("other").path, ReadPath::hit);
}

TEST_F(Lists, are_not_stored_while_a_writer_holds_the_locks) {
  list();
  Writer writer{*this, "new"};
  EXPECT_EQ(list().path, ReadPath::lock_busy);
  writer.commit();
  EXPECT_EQ(list().path, ReadPath::filled);
  EXPECT_EQ(list().bytes, "new");
}

TEST_F(Lists, need_the_slot_of_their_generation) {
  database_.run("update cache_slots set state = 'down' where slot = " + std::to_string(home()));
  EXPECT_EQ(list().path, ReadPath::not_stored) << "a writer could not end its generation";
  EXPECT_EQ(raw(catalogue_generation()), "END");
  database_.run("update cache_slots set state = case slot when " + std::to_string(home()) +
                " then 'up' else 'down' end");
  EXPECT_EQ(list().path, ReadPath::filled);
}

}  // namespace
}  // namespace codasync::cache
