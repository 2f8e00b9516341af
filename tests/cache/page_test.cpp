#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cache/entry_expiry.hpp"
#include "cache/key.hpp"
#include "storage/errors.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "tests/cache/cache_fixture.hpp"
#include "tests/support/sealed.hpp"

// Pages of rows under the protocol of cache/README.md, with a real PostgreSQL and real Memcacheds.
// What a test does while rows are produced happens between their leases and their entries.

namespace codasync::cache {
namespace {

using storage::Lock;
using storage::LockMode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kProducts = 20;

Gtin product(std::int64_t number) { return Gtin::from_number(number); }

/// The names of products, each with its own entry.
class Names final : public PageSource {
 public:
  explicit Names(
      std::int64_t count, std::function<void()> meanwhile = [] {})
      : meanwhile_{std::move(meanwhile)} {
    for (std::int64_t i = 1; i <= count; ++i)
      rows_.push_back(
          {product_row(product(i)), {{storage::product_lock(product(i)), LockMode::shared}}});
    names_.resize(rows_.size());
  }

  [[nodiscard]] const std::vector<PageRow>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] const std::vector<std::size_t>& produced() const { return produced_; }
  void change_at(std::optional<Instant> moment) { changes_at_ = moment; }
  void store_no(std::size_t row) { unstored_ = row; }
  void cache_no(std::size_t row) { rows_[row].cached = false; }

  bool decode(std::size_t row, std::string_view entry) override {
    if (entry.starts_with("malformed")) return false;
    names_[row] = entry;
    return true;
  }
  void produce(storage::Reader& reader, std::span<const std::size_t> rows) override {
    for (const auto row : rows) {
      produced_.push_back(row);
      const auto found = reader.product(product(static_cast<std::int64_t>(row) + 1));
      names_[row] = found ? found->name : "none";
    }
    meanwhile_();
  }
  [[nodiscard]] std::optional<std::string> encode(std::size_t row) const override {
    return row == unstored_ ? std::nullopt : std::optional{names_[row]};
  }
  [[nodiscard]] std::optional<Instant> changes_at(std::size_t) const override {
    return changes_at_;
  }

 private:
  std::vector<PageRow> rows_;
  std::vector<std::string> names_;
  std::vector<std::size_t> produced_;
  std::function<void()> meanwhile_;
  std::optional<Instant> changes_at_;
  std::optional<std::size_t> unstored_;
};

class PageTest : public CacheTest {
 protected:
  void SetUp() override {
    database_.run("insert into products (gtin, name) select i, 'old' from generate_series(1, " +
                  std::to_string(kProducts) + ") i");
  }

  ReadPath read(Names& names) { return cache_->read_page(names.rows(), names); }
  std::vector<std::string> read_all() {
    Names names{kProducts};
    read(names);
    return names.names();
  }

  /// A writer of one product, up to its commit.
  class Writer {
   public:
    Writer(PageTest& test, std::int64_t number, const std::string& name)
        : connection_{postgres(test.database_.options())},
          transaction_{
              connection_, {{storage::product_lock(product(number)), LockMode::exclusive}}, {}} {
      transaction_.exec_params("update products set name = $1 where gtin = $2", name, number);
      storage::Changes changes;
      changes.products.push_back(product(number));
      test.invalidation_->begin(changes, {})->acknowledge();
    }
    void commit() { transaction_.commit(); }

   private:
    storage::postgres::Connection connection_;
    storage::postgres::WriteTransaction transaction_;
  };
  void write(std::int64_t number, const std::string& name) { Writer{*this, number, name}.commit(); }

  [[nodiscard]] test::Memcached& home(std::int64_t number) {
    return memcached_[slot_of(product_row(product(number)), 2)];
  }
  [[nodiscard]] std::string raw(std::int64_t number) {
    return home(number).ask("get " + product_row(product(number)).text);
  }
  void put(std::int64_t number, const std::string& content) {
    home(number).ask(test::store_sealed(product_row(product(number)).text, content));
  }
  /// Returns: the products without an entry or a placeholder.
  std::vector<std::int64_t> absent() {
    std::vector<std::int64_t> numbers;
    for (std::int64_t i = 1; i <= kProducts; ++i)
      if (raw(i) == "END") numbers.push_back(i);
    return numbers;
  }
  static std::vector<std::string> all(const std::string& name) {
    return std::vector<std::string>(kProducts, name);
  }
};

TEST_F(PageTest, is_filled_by_the_first_read_and_hit_by_the_second) {
  Names first{kProducts};
  EXPECT_EQ(read(first), ReadPath::filled);
  EXPECT_EQ(first.names(), all("old"));
  EXPECT_THAT(first.produced(), SizeIs(kProducts));
  EXPECT_THAT(absent(), IsEmpty());
  Names second{kProducts, [] { FAIL() << "a hit produces nothing"; }};
  EXPECT_EQ(read(second), ReadPath::hit);
  EXPECT_EQ(second.names(), all("old"));
}

TEST_F(PageTest, reads_only_the_rows_that_are_missing) {
  read_all();
  write(3, "new");
  write(7, "new");
  Names names{kProducts};
  EXPECT_EQ(read(names), ReadPath::filled);
  EXPECT_THAT(names.produced(), testing::UnorderedElementsAre(2U, 6U));
  EXPECT_EQ(names.names()[2], "new");
  EXPECT_EQ(names.names()[6], "new");
  EXPECT_EQ(names.names()[0], "old");
  EXPECT_THAT(absent(), IsEmpty());
}

TEST_F(PageTest, reads_rows_that_are_not_cached_with_the_missing_ones) {
  Names names{kProducts};
  names.cache_no(0);
  names.cache_no(6);
  EXPECT_EQ(read(names), ReadPath::not_stored);
  EXPECT_THAT(names.produced(), SizeIs(kProducts));
  EXPECT_EQ(names.names(), all("old"));
  EXPECT_THAT(absent(), ElementsAre(1, 7));
  Names other{kProducts};
  for (std::size_t row = 0; row < kProducts; ++row) other.cache_no(row);
  write(3, "new");
  EXPECT_EQ(read(other), ReadPath::not_stored);
  EXPECT_EQ(other.names()[2], "new");
}

TEST_F(PageTest, leaves_out_the_rows_that_a_writer_holds) {
  Writer writer{*this, 5, "new"};
  Names names{kProducts};
  EXPECT_EQ(read(names), ReadPath::lock_busy);
  EXPECT_EQ(names.names(), all("old")) << "the write is not acknowledged yet";
  EXPECT_THAT(absent(), ElementsAre(5)) << "and no placeholder delays the next reader";
  writer.commit();
  EXPECT_EQ(read_all()[4], "new");
  EXPECT_THAT(absent(), IsEmpty());
}

TEST_F(PageTest, makes_a_writer_of_one_of_its_rows_wait) {
  std::atomic<bool> written{false};
  std::jthread writer;
  Names names{kProducts, [&] {
                writer = std::jthread{[&] {
                  write(9, "new");
                  written = true;
                }};
                EXPECT_TRUE(test::eventually([&] {
                  return written ||
                         database_.run(
                             "select count(*) from pg_locks join pg_database on oid = database"
                             " where datname = current_database() and not granted") == "1";
                }));
                EXPECT_FALSE(written);
              }};
  EXPECT_EQ(read(names), ReadPath::filled);
  writer.join();
  EXPECT_EQ(read_all()[8], "new");
}

TEST_F(PageTest, stores_nothing_old_when_the_fill_loses_its_locks) {
  Names names{kProducts, [this] {
                kill_sessions();
                write(4, "new");
              }};
  EXPECT_EQ(read(names), ReadPath::not_stored);
  EXPECT_EQ(raw(4), "END");
  EXPECT_EQ(read_all()[3], "new");
  EXPECT_EQ(read_all()[3], "new");
}

TEST_F(PageTest, stores_nothing_old_over_what_a_faster_fill_stored) {
  Names slow{kProducts, [this] {
               kill_sessions();
               write(4, "new");
               EXPECT_EQ(read_all()[3], "new");
             }};
  EXPECT_EQ(read(slow), ReadPath::not_stored);
  EXPECT_EQ(read_all()[3], "new");
}

TEST_F(PageTest, stores_nothing_after_memcached_was_restarted) {
  Names names{kProducts, [this] {
                kill_sessions();
                for (auto& memcached : memcached_) memcached.restart();
                write(4, "new");
                // Another filler gets the same ids.
                for (int i = 1; i <= kProducts; ++i)
                  home(i).ask("mg " + product_row(product(i)).text + " N60 c v");
              }};
  EXPECT_EQ(read(names), ReadPath::not_stored);
  for (int i = 1; i <= kProducts; ++i)
    EXPECT_THAT(raw(i), testing::Not(testing::HasSubstr("old"))) << i;
}

TEST_F(PageTest, removes_its_placeholders_when_the_database_fails) {
  Names names{kProducts, [] { throw Unavailable{"postgres", "for the test"}; }};
  EXPECT_THROW(read(names), Unavailable);
  EXPECT_THAT(absent(), SizeIs(kProducts));
  Names next{kProducts};
  EXPECT_EQ(read(next), ReadPath::filled);
}

TEST_F(PageTest, leaves_no_placeholder_for_a_row_that_may_not_be_stored) {
  Names names{kProducts};
  names.store_no(10);
  EXPECT_EQ(read(names), ReadPath::not_stored);
  EXPECT_THAT(absent(), ElementsAre(11));
}

TEST_F(PageTest, stores_no_row_that_changes_by_itself_soon) {
  Names names{kProducts};
  names.change_at(now() + kReaderClockDifferenceMax);
  EXPECT_EQ(read(names), ReadPath::not_stored);
  EXPECT_THAT(absent(), SizeIs(kProducts));
  Names later{kProducts};
  later.change_at(now() + 2h);
  EXPECT_EQ(read(later), ReadPath::filled);
}

TEST_F(PageTest, replaces_malformed_and_expired_entries) {
  put(2, "malformed");
  home(4).ask(test::store_bytes(product_row(product(4)).text, "forged"));
  home(3).ask("set " + product_row(product(3)).text + " 1000000000 0 3\r\nold");
  Names names{kProducts};
  EXPECT_EQ(read(names), ReadPath::filled);
  EXPECT_EQ(names.names(), all("old"));
  EXPECT_EQ(observer_.malformed_entries[0] + observer_.malformed_entries[1], 2);
  Names again{kProducts, [] { FAIL(); }};
  EXPECT_EQ(read(again), ReadPath::hit);
}

TEST_F(PageTest, replaces_no_entry_that_was_written_meanwhile) {
  put(2, "malformed");
  Names names{kProducts, [this] {
                kill_sessions();
                write(2, "new");
                read_all();
              }};
  read(names);
  EXPECT_EQ(read_all()[1], "new");
}

TEST_F(PageTest, waits_for_the_rows_that_another_reader_fills) {
  std::atomic<int> produced{0};
  Names first{kProducts, [&] {
                // The same rows are read by others while they are filled.
                std::vector<std::jthread> others;
                for (int i = 0; i < 4; ++i) {
                  others.emplace_back([&] {
                    Names other{kProducts};
                    read(other);
                    EXPECT_EQ(other.names(), all("old"));
                    produced += static_cast<int>(other.produced().size());
                  });
                }
                others.clear();  // they stop waiting after some milliseconds
              }};
  EXPECT_EQ(read(first), ReadPath::filled);
  EXPECT_EQ(produced, 4 * kProducts);
  std::vector<std::jthread> readers;
  std::atomic<int> again{0};
  database_.run("update products set name = 'new'");
  for (auto& memcached : memcached_) memcached.ask("flush_all");
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&] {
      Names names{kProducts};
      read(names);
      EXPECT_EQ(names.names(), all("new"));
      again += static_cast<int>(names.produced().size());
    });
  }
  readers.clear();
  EXPECT_LT(again, 8 * kProducts) << "not each reader reads everything";
}

TEST_F(PageTest, works_without_a_server_that_does_not_respond) {
  read_all();
  const auto cache = make_cache(options(200ms), *storage_, observer_);
  for (std::size_t frozen = 0; frozen < 2; ++frozen) {
    memcached_[frozen].freeze();
    Names names{kProducts};
    EXPECT_EQ(cache->read_page(names.rows(), names), ReadPath::unavailable);
    EXPECT_EQ(names.names(), all("old"));
    for (const auto row : names.produced())
      EXPECT_EQ(slot_of(names.rows()[row].key, 2), frozen) << "the rows of the other are hits";
    memcached_[frozen].thaw();
    EXPECT_TRUE(test::eventually([&] {
      Names after{kProducts};
      return cache->read_page(after.rows(), after) == ReadPath::hit;
    }));
  }
}

TEST_F(PageTest, works_without_any_server) {
  MemcachedOptions none;
  none.servers.clear();
  const auto cache = make_cache(none, *storage_, observer_);
  Names names{kProducts};
  EXPECT_EQ(cache->read_page(names.rows(), names), ReadPath::unavailable);
  EXPECT_EQ(names.names(), all("old"));
}

TEST_F(PageTest, stores_in_no_slot_that_is_down) {
  database_.run("update cache_slots set state = 'down' where slot = 0");
  Names names{kProducts};
  EXPECT_EQ(read(names), ReadPath::not_stored);
  for (std::int64_t i = 1; i <= kProducts; ++i)
    EXPECT_EQ(raw(i) == "END", slot_of(product_row(product(i)), 2) == 0) << i;
}

TEST_F(PageTest, shows_every_write_to_the_next_read_while_many_read_and_write) {
  std::vector<std::jthread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) read_all();
    });
  }
  for (int round = 1; round <= 60; ++round) {
    const auto number = 1 + round % kProducts;
    const auto name = "n" + std::to_string(round);
    write(number, name);
    EXPECT_EQ(read_all()[static_cast<std::size_t>(number - 1)], name);
  }
}

}  // namespace
}  // namespace codasync::cache
