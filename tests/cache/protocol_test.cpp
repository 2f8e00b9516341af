#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "storage/errors.hpp"
#include "tests/cache/protocol_fixture.hpp"

namespace codasync::cache {
namespace {

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

}  // namespace
}  // namespace codasync::cache
