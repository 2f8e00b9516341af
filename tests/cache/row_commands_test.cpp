#include "cache/row_commands.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "cache/text_connection.hpp"

namespace codasync::cache {
namespace {

using State = FoundRow::State;

const Key kTea = product_row(Gtin::from_number(4006381333931));
const Instant kNow{std::chrono::seconds{1'800'000'000}};
const std::string kEnd = "\r\n";
const EntrySeal kSeal{MemcachedOptions{}};

struct Taken {
  std::size_t size;
  FoundRow row;
};

Taken take(const std::string& reply) {
  Taken taken{};
  taken.size = take_row(reply, kTea, kSeal, kNow, taken.row);
  return taken;
}

std::string reply_with(const std::string& bytes, std::uint32_t flags, const std::string& end = "") {
  return "VA " + std::to_string(bytes.size()) + " c17 f" + std::to_string(flags) + " k" +
         kTea.text + end + kEnd + bytes + kEnd;
}

std::string sealed_reply_with(const std::string& content, std::uint32_t flags) {
  return reply_with(kSeal.close(kTea, flags, content), flags);
}

TEST(RowCommands, are_one_line_each) {
  EXPECT_EQ(find_row(kTea, std::chrono::seconds{5}), "mg " + kTea.text + " N5 c f k v\r\n");
  EXPECT_EQ(store_row(kTea, kSeal, 17, {std::chrono::seconds{60}, 1'800'000'060}, "tea"),
            "ms " + kTea.text + " 19 C17 F1800000060 T60\r\n" +
                kSeal.close(kTea, 1'800'000'060, "tea") + "\r\n");
  EXPECT_EQ(drop_row(kTea, 17), "md " + kTea.text + " C17\r\n");
}

TEST(RowCommands, find_an_entry) {
  const auto reply = sealed_reply_with("tea\r\n", 1'800'000'001);
  const auto found = take(reply + "VA …");
  EXPECT_EQ(found.size, reply.size());
  EXPECT_EQ(found.row.state, State::hit);
  EXPECT_EQ(found.row.bytes, "tea\r\n");
  EXPECT_EQ(found.row.cas, 17U);
}

TEST(RowCommands, find_no_bytes_without_a_seal_for_this_key_and_expiry) {
  const auto sealed = kSeal.close(kTea, 1'800'000'001, "tea");
  for (const auto& reply :
       {reply_with("tea", 1'800'000'001), reply_with("", 1'800'000'001),
        reply_with(sealed, 1'800'000'002),
        reply_with(kSeal.close({"row1:other"}, 1'800'000'001, "tea"), 1'800'000'001)}) {
    const auto found = take(reply);
    EXPECT_EQ(found.row.state, State::hit);
    EXPECT_EQ(found.row.bytes, "");
    EXPECT_EQ(found.row.cas, 17U) << "to replace it";
  }
}

TEST(RowCommands, give_the_lease_to_the_one_who_made_the_placeholder) {
  EXPECT_EQ(take(reply_with("", 0, " W")).row.state, State::leased);
  EXPECT_EQ(take(reply_with("", 0, " W")).row.cas, 17U);
  EXPECT_EQ(take(reply_with("", 0, " Z")).row.state, State::others);
  EXPECT_EQ(take(reply_with("", 0)).row.state, State::others);
  EXPECT_EQ(take(reply_with("lease", kPlaceholder)).row.state, State::others);
}

TEST(RowCommands, fill_an_expired_entry_again_under_its_own_id) {
  const auto found = take(reply_with("old", 1'800'000'000));
  EXPECT_EQ(found.row.state, State::leased);
  EXPECT_EQ(found.row.cas, 17U);
  EXPECT_EQ(found.row.bytes, "");
}

TEST(RowCommands, wait_for_the_rest_of_a_reply) {
  const auto reply = reply_with("tea", 1'800'000'001);
  for (std::size_t size = 0; size < reply.size(); ++size)
    EXPECT_EQ(take(reply.substr(0, size)).size, 0U) << size;
}

TEST(RowCommands, have_no_entry_when_the_server_refuses) {
  EXPECT_EQ(take("SERVER_ERROR out of memory\r\n").row.state, State::others);
}

TEST(RowCommands, refuse_the_reply_to_another_command) {
  const auto key = " k" + kTea.text;
  const std::vector<std::string> replies{"EN",
                                         "HD",
                                         "ERROR",
                                         "",
                                         "VALUE a 0 3",
                                         "VA 3 c17 f9 kcoda1:salt",
                                         "VA 3 c17 f9" + key + "0",
                                         "VA x c17 f9" + key,
                                         "VA 3 c0 f9" + key,
                                         "VA 3 f9 c17" + key,
                                         "VA 3 c17 f99999999999" + key,
                                         "VA 1000001 c17 f9" + key,
                                         "VA -1 c17 f9" + key};
  for (const auto& reply : replies)
    EXPECT_THROW(take(reply + kEnd + "tea" + kEnd), TextFailure) << reply;
  EXPECT_THROW(take("VA 3 c17 f9" + key + kEnd + "teapot" + kEnd), TextFailure) << "no line end";
  EXPECT_THROW(take(std::string(2000, 'V')), TextFailure) << "an endless line";
}

TEST(RowCommands, know_whether_an_entry_was_stored_or_dropped) {
  bool done = false;
  EXPECT_EQ(take_done("HD\r\nHD\r\n", done), 4U);
  EXPECT_TRUE(done);
  for (const auto* reply : {"NF\r\n", "EX\r\n", "NS\r\n", "SERVER_ERROR object too large\r\n"}) {
    EXPECT_GT(take_done(reply, done), 0U) << reply;
    EXPECT_FALSE(done) << reply;
  }
  EXPECT_EQ(take_done("H", done), 0U);
  for (const auto* reply : {"EN\r\n", "STORED\r\n", "CLIENT_ERROR bad data chunk\r\n", "\r\n"})
    EXPECT_THROW(take_done(reply, done), TextFailure) << reply;
}

TEST(RowCommands, read_any_bytes_without_another_exception) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  const auto whole = reply_with("tea", 1'800'000'001, " W");
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = whole;
    for (unsigned i = 0; i <= random() % 3; ++i)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      const auto found = take(bytes);
      EXPECT_LE(found.size, bytes.size());
    } catch (const TextFailure&) {
    }
  }
}

}  // namespace
}  // namespace codasync::cache
