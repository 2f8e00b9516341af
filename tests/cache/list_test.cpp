#include <gmock/gmock.h>

#include <map>
#include <span>

#include "cache/entry_expiry.hpp"
#include "cache/list_entry.hpp"
#include "tests/cache/protocol_fixture.hpp"

namespace codasync::cache {
namespace {

using testing::HasSubstr;

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
    for (auto& count : observer_.malformed_entries) count = 0;
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
