#include "api/change_streams.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <sstream>

#include "api/feed_cursor.hpp"
#include "tests/api/fakes.hpp"
#include "tests/support/eventually.hpp"

namespace codasync::api {
namespace {

using namespace std::chrono_literals;
using storage::FeedCursor;
using test::eventually;
using testing::ElementsAre;
using testing::HasSubstr;

FeedCursor cursor(storage::TransactionNumber transaction, std::int64_t reading = 0,
                  ShopId shop = ShopId{1}, std::uint64_t epoch = 7) {
  return {epoch, shop, FeedCursor::Phase::changes, transaction, ReadingId{reading}};
}

Gtin gtin(std::int64_t number) { return Gtin::from_number(number); }

/// A feed in memory.
struct Feed {
  struct Change {
    ShopId shop;
    storage::TransactionNumber transaction;
    std::int64_t reading;
    std::int64_t version;
  };

  Mutex mutex;
  std::vector<Change> changes;  // in the order of the feed
  storage::TransactionNumber horizon{100};
  storage::TransactionNumber purged_below{0};
  std::uint64_t epoch{7};
  std::set<ShopId> removed_shops;
  std::set<storage::TokenHash> tokens;
  std::size_t positions{0};  // of the last round
  std::size_t rounds{0};
  bool broken{false};

  /// Adds a change of a reading, whose GTIN is its id.
  void add(std::int64_t reading, std::int64_t version, ShopId shop = ShopId{1}) {
    const MutexLock hold{mutex};
    changes.push_back({shop, horizon++, reading, version});
  }
};

class FeedReader : public test::FakeReader {
 public:
  FeedReader(test::FakeRows& rows, Feed& feed) : FakeReader{rows}, feed_{feed} {}

  storage::FeedRound follow(const std::vector<FeedCursor>& positions, std::size_t limit) override {
    const MutexLock hold{feed_.mutex};
    ++feed_.rounds;
    if (feed_.broken) throw Unavailable{"postgres", "broken"};
    feed_.positions = positions.size();
    storage::FeedRound round{{feed_.horizon, feed_.horizon}, {}};
    for (const auto& at : positions) round.each.push_back(after(at, limit));
    return round;
  }
  std::set<storage::TokenHash> valid_tokens(const std::vector<storage::TokenHash>&) override {
    const MutexLock hold{feed_.mutex};
    return feed_.tokens;
  }

 private:
  [[nodiscard]] storage::FeedContinuation after(const FeedCursor& at, std::size_t limit) const {
    storage::FeedContinuation found{{}, at, false, !feed_.removed_shops.contains(at.shop), false};
    if (at.epoch != feed_.epoch || at.transaction < feed_.purged_below) {
      found.resync_needed = true;
      found.next = cursor(feed_.horizon, 0, at.shop, feed_.epoch);
      return found;
    }
    found.next.transaction = feed_.horizon;
    found.next.reading = ReadingId{0};
    for (const auto& change : feed_.changes) {
      const auto place = std::pair{change.transaction, ReadingId{change.reading}};
      if (change.shop != at.shop || place <= std::pair{at.transaction, at.reading}) continue;
      auto reading = test::reading();
      reading.id = ReadingId{change.reading};
      reading.shop = change.shop;
      reading.gtin = gtin(change.reading);
      reading.version = change.version;
      found.changes.push_back({change.transaction, {reading, false}});
      if (found.changes.size() < limit) continue;
      found.more = true;
      found.next.transaction = change.transaction;
      found.next.reading = reading.id;
      break;
    }
    return found;
  }

  Feed& feed_;
};

class FeedDatabase : public test::FakeDatabase {
 public:
  FeedDatabase(test::FakeRows& rows, Feed& feed) : FakeDatabase{rows}, rows_{rows}, feed_{feed} {}
  std::unique_ptr<storage::Reader> read() override {
    return std::make_unique<FeedReader>(rows_, feed_);
  }

 private:
  test::FakeRows& rows_;
  Feed& feed_;
};

/// A client's side of a stream.
struct Received {
  Mutex mutex;
  std::string text;
  std::optional<std::size_t> room{};  // in the buffer; nullopt: the client reads at once
  bool gone{false};                   // the client left
  bool ended{false};                  // the service ended the body

  [[nodiscard]] std::string all() {
    const MutexLock hold{mutex};
    return text;
  }
  [[nodiscard]] bool is_over() {
    const MutexLock hold{mutex};
    return ended;
  }
  void set_room(std::optional<std::size_t> bytes) {
    const MutexLock hold{mutex};
    room = bytes;
  }
  void leave() {
    const MutexLock hold{mutex};
    gone = true;
  }
};

class FakeStream : public ResponseStream::Sink {
 public:
  explicit FakeStream(std::shared_ptr<Received> to) : to_{std::move(to)} {}
  FakeStream(const FakeStream&) = delete;
  FakeStream& operator=(const FakeStream&) = delete;
  ~FakeStream() override {
    const MutexLock hold{to_->mutex};
    to_->ended = true;
  }
  bool write(std::string_view piece) override {
    const MutexLock hold{to_->mutex};
    if (to_->gone || (to_->room && piece.size() > *to_->room)) return false;
    if (to_->room) *to_->room -= piece.size();
    to_->text += piece;
    return true;
  }
  void cut_off() noexcept override {}
  [[nodiscard]] std::size_t waiting() const noexcept override {
    const MutexLock hold{to_->mutex};
    return to_->room ? kStreamBufferBytes - *to_->room : 0;
  }
  [[nodiscard]] bool client_gone() const noexcept override {
    const MutexLock hold{to_->mutex};
    return to_->gone;
  }

 private:
  std::shared_ptr<Received> to_;
};

/// An event, as a client reads it.
struct Event {
  std::string name;
  std::optional<FeedCursor> place;
  std::string data;
};

std::vector<Event> events_in(const std::string& text) {
  std::vector<Event> events;
  Event event;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("id: ")) event.place = parse_feed_cursor(line.substr(4));
    if (line.starts_with("event: ")) event.name = line.substr(7);
    if (line.starts_with("data: ")) event.data = line.substr(6);
    if (!line.empty()) continue;
    if (!event.data.empty()) events.push_back(event);
    event = {};
  }
  return events;
}

/// Returns: the versions of the readings in the events, as `reading/version`.
std::vector<std::string> versions_in(const std::string& text) {
  std::vector<std::string> found;
  for (const auto& event : events_in(text)) {
    if (event.name != "reading") continue;
    const auto number = [&](const std::string& name) {
      const auto at = event.data.find("\"" + name + "\":") + name.size() + 3;
      return event.data.substr(at, event.data.find(',', at) - at);
    };
    found.push_back(number("id") + "/" + number("version"));
  }
  return found;
}

class ChangeStreamsTest : public testing::Test {
 protected:
  static constexpr ChangeStreams::Timing kFast{.poll = 1ms, .heartbeat = 1h, .pause = 1ms};

  std::shared_ptr<Received> open_at(const FeedCursor& position, std::set<Gtin> gtins = {},
                                    std::optional<storage::TokenHash> token = {}) {
    auto received = std::make_shared<Received>();
    auto place = streams->reserve();
    EXPECT_TRUE(place);
    streams->start({std::move(place), position, std::move(gtins), token},
                   ResponseStream{std::make_unique<FakeStream>(received)});
    return received;
  }

  void restart(const ChangeStreams::Timing& timing, std::size_t streams_max = 1000) {
    streams.reset();
    streams = std::make_unique<ChangeStreams>(database, streams_max, lag, log, timing);
  }

  static bool has(Received& received, const std::vector<std::string>& versions) {
    return eventually([&] { return versions_in(received.all()) == versions; });
  }

  std::size_t rounds() {
    const MutexLock hold{feed.mutex};
    return feed.rounds;
  }
  /// Returns: whether another round has started and ended.
  bool after_a_round() {
    const auto before = rounds();
    return eventually([&] { return rounds() > before + 1; });
  }

  test::FakeRows rows;
  Feed feed;
  FeedDatabase database{rows, feed};
  FeedLag lag;
  Log log{{.level = LogLevel::error}};
  std::unique_ptr<ChangeStreams> streams{
      std::make_unique<ChangeStreams>(database, 1000, lag, log, kFast)};
};

TEST_F(ChangeStreamsTest, send_what_follows_the_position_of_each_client) {
  feed.add(1, 1);
  feed.add(2, 1);
  const auto first = open_at(cursor(100));
  const auto second = open_at(cursor(100, 1));
  EXPECT_TRUE(has(*first, {"1/1", "2/1"}));
  EXPECT_TRUE(has(*second, {"2/1"}));
  feed.add(1, 2);
  EXPECT_TRUE(has(*first, {"1/1", "2/1", "1/2"}));
  EXPECT_TRUE(has(*second, {"2/1", "1/2"}));
  const auto events = events_in(first->all());
  EXPECT_EQ(events[0].place->transaction, 100U);
  EXPECT_EQ(events[2].place->transaction, 102U);
  EXPECT_EQ(streams->events(), 5U);
}

TEST_F(ChangeStreamsTest, need_one_position_for_all_clients_of_a_shop_that_have_everything) {
  std::vector<std::shared_ptr<Received>> clients;
  for (int i = 0; i < 300; ++i) {
    feed.add(i + 1, 1);
    clients.push_back(open_at(cursor(100U + static_cast<unsigned>(i))));
  }
  const auto other = open_at(cursor(1, 0, ShopId{2}));
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_TRUE(eventually([&] { return versions_in(clients[i]->all()).size() == 300 - i; })) << i;
  EXPECT_TRUE(eventually([&] {
    const MutexLock hold{feed.mutex};
    return feed.positions == 2;
  }));
}

TEST_F(ChangeStreamsTest, send_only_the_products_that_a_client_requests) {
  const auto some = open_at(cursor(100), {gtin(2), gtin(3)});
  for (int i = 1; i <= 4; ++i) feed.add(i, 1);
  EXPECT_TRUE(has(*some, {"2/1", "3/1"}));
}

TEST_F(ChangeStreamsTest, continue_where_a_client_stopped_reading_and_delay_no_others) {
  const auto slow = open_at(cursor(100));
  const auto fast = open_at(cursor(100));
  slow->set_room(600);  // about two events
  std::vector<std::string> expected;
  for (int i = 1; i <= 50; ++i) {
    feed.add(i, 1);
    expected.push_back(std::to_string(i) + "/1");
  }
  EXPECT_TRUE(has(*fast, expected));
  EXPECT_TRUE(after_a_round());
  EXPECT_LT(versions_in(slow->all()).size(), 5U);
  slow->set_room({});
  EXPECT_TRUE(has(*slow, expected));
}

TEST_F(ChangeStreamsTest, give_a_new_position_when_the_changes_are_not_available) {
  feed.purged_below = 50;
  feed.add(1, 1);
  const auto purged = open_at(cursor(40));
  const auto restored = open_at(cursor(100, 0, ShopId{1}, 6));
  for (auto* client : {purged.get(), restored.get()}) {
    EXPECT_TRUE(eventually([&] { return !events_in(client->all()).empty(); }));
    const auto event = events_in(client->all())[0];
    EXPECT_EQ(event.name, "resync");
    EXPECT_EQ(event.place->epoch, 7U);
    EXPECT_EQ(event.place->transaction, 101U);
    EXPECT_EQ(event.data, R"({"epoch":"0000000000000007","shop":1})");
  }
  feed.add(2, 1);
  EXPECT_TRUE(has(*purged, {"2/1"}));
  EXPECT_TRUE(has(*restored, {"2/1"}));
}

TEST_F(ChangeStreamsTest, end_when_the_shop_is_removed_after_its_last_changes) {
  const auto client = open_at(cursor(100));
  const auto other = open_at(cursor(100, 0, ShopId{2}));
  {
    const MutexLock hold{feed.mutex};
    feed.changes.push_back({ShopId{1}, feed.horizon++, 1, 2});
    feed.removed_shops.insert(ShopId{1});
  }
  EXPECT_TRUE(eventually([&] { return client->is_over(); }));
  EXPECT_THAT(versions_in(client->all()), ElementsAre("1/2"));
  EXPECT_TRUE(after_a_round());
  EXPECT_FALSE(other->is_over());
  EXPECT_EQ(streams->open(), 1U);
}

TEST_F(ChangeStreamsTest, send_nothing_that_comes_after_the_end_of_a_token) {
  const storage::TokenHash one{1};
  const storage::TokenHash two{2};
  feed.tokens = {one, two};
  const auto revoked = open_at(cursor(100), {}, one);
  const auto valid = open_at(cursor(100), {}, two);
  feed.add(1, 1);
  EXPECT_TRUE(has(*revoked, {"1/1"}));
  {
    const MutexLock hold{feed.mutex};
    feed.tokens = {two};
    feed.changes.push_back({ShopId{1}, feed.horizon++, 1, 2});
  }
  EXPECT_TRUE(has(*valid, {"1/1", "1/2"}));
  EXPECT_TRUE(eventually([&] { return revoked->is_over(); }));
  EXPECT_THAT(versions_in(revoked->all()), ElementsAre("1/1"));
}

TEST_F(ChangeStreamsTest, have_a_limit_and_free_the_place_of_a_client_that_left) {
  restart(kFast, 1);
  const auto client = open_at(cursor(100));
  EXPECT_FALSE(streams->reserve());
  EXPECT_EQ(streams->open(), 1U);
  client->leave();
  EXPECT_TRUE(eventually([&] { return streams->open() == 0; }));
  EXPECT_TRUE(streams->reserve());
}

TEST_F(ChangeStreamsTest, send_heartbeats_with_the_position) {
  restart({.poll = 1ms, .heartbeat = 1ms, .pause = 1ms});
  const auto client = open_at(cursor(100));
  feed.add(1, 1, ShopId{2});
  EXPECT_TRUE(eventually([&] {
    return client->all().find(":\nid: " + to_text(cursor(101)) + "\n\n") != std::string::npos;
  }));
  EXPECT_TRUE(events_in(client->all()).empty());
}

TEST_F(ChangeStreamsTest, continue_after_an_outage_of_the_database_and_show_its_length) {
  EXPECT_EQ(streams->behind().count(), 0);
  const auto client = open_at(cursor(100));
  {
    const MutexLock hold{feed.mutex};
    feed.broken = true;
  }
  EXPECT_TRUE(after_a_round());
  const auto before = streams->behind();
  EXPECT_TRUE(after_a_round());
  EXPECT_GT(streams->behind(), before);
  feed.add(1, 1);
  {
    const MutexLock hold{feed.mutex};
    feed.broken = false;
  }
  EXPECT_TRUE(has(*client, {"1/1"}));
}

TEST_F(ChangeStreamsTest, all_end_at_the_stop_and_later_ones_at_once) {
  const auto client = open_at(cursor(100));
  auto place = streams->reserve();
  streams->stop();
  EXPECT_TRUE(client->is_over());
  const auto late = std::make_shared<Received>();
  streams->start({std::move(place), cursor(100), {}},
                 ResponseStream{std::make_unique<FakeStream>(late)});
  EXPECT_TRUE(late->is_over());
  EXPECT_EQ(streams->open(), 0U);
}

TEST_F(ChangeStreamsTest, miss_and_repeat_nothing_whatever_the_clients_read) {
  const char* given = std::getenv("CODASYNC_TEST_SEED");
  const auto seed =
      given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  std::mt19937 random{seed};
  SCOPED_TRACE("CODASYNC_TEST_SEED=" + std::to_string(seed));
  constexpr std::size_t kClients = 40;
  constexpr int kChanges = 3000;
  std::vector<std::shared_ptr<Received>> clients;
  std::vector<std::vector<std::string>> expected(kClients);
  for (int i = 1; i <= kChanges; ++i) {
    if (clients.size() < kClients && random() % 10 == 0) {
      const MutexLock hold{feed.mutex};
      clients.push_back(open_at(cursor(feed.horizon)));
    }
    feed.add(i, 1);
    for (std::size_t c = 0; c < clients.size(); ++c)
      expected[c].push_back(std::to_string(i) + "/1");
    if (clients.empty()) continue;
    clients[random() % clients.size()]->set_room(random() % kStreamBufferBytes);
  }
  ASSERT_EQ(clients.size(), kClients);
  for (std::size_t c = 0; c < clients.size(); ++c) {
    EXPECT_TRUE(eventually([&] {
      clients[c]->set_room({});
      return versions_in(clients[c]->all()).size() >= expected[c].size();
    })) << c;
    EXPECT_EQ(versions_in(clients[c]->all()), expected[c]) << c;
  }
}

TEST(RetryLine, differs_between_streams_within_three_seconds) {
  std::set<std::string> lines;
  for (int i = 0; i < 100; ++i) {
    const auto line = retry_line();
    lines.insert(line);
    const auto ms = std::stoi(line.substr(std::string{"retry: "}.size()));
    EXPECT_GE(ms, 1000);
    EXPECT_LT(ms, 3000);
    EXPECT_THAT(line, HasSubstr("\n\n"));
  }
  EXPECT_GT(lines.size(), 90U);
}

}  // namespace
}  // namespace codasync::api
