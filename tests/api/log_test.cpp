#include "api/observability/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cmath>
#include <future>
#include <limits>
#include <sstream>
#include <thread>
#include <type_traits>

#include "storage/model/time.hpp"
#include "storage/secret.hpp"

namespace codasync::api {
namespace {

using testing::HasSubstr;
using testing::Not;

static_assert(!std::is_constructible_v<LogValue, Secret>, "a secret must not fit into a log line");

/// A pipe; the log writes to its writing end.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    ::close(ends_[0]);
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int writer() const { return ends_[1]; }

  void close_writer() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }

  /// Returns: what was written, until it contains `mark` or the writing end is closed.
  std::string read_to(std::string_view mark) {
    std::string all;
    std::array<char, 65'536> part{};
    for (ssize_t count{}; (count = ::read(ends_[0], part.data(), part.size())) > 0;) {
      all.append(part.data(), static_cast<std::size_t>(count));
      if (all.find(mark) != std::string::npos) break;
    }
    return all;
  }
  std::string read_to_end() { return read_to(std::string_view{"\0", 1}); }

  std::string read_all() {
    close_writer();
    return read_to_end();
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

std::string line_of(LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields = {}) {
  Pipe pipe;
  { Log{LogOptions{}, pipe.writer()}.write(level, message, fields); }
  return pipe.read_all();
}

rapidjson::Document json(const std::string& line) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(line.c_str());
  EXPECT_TRUE(document.IsObject()) << line;
  return document;
}

TEST(Log, writes_one_json_object_a_line_with_time_level_message_and_fields) {
  const auto line =
      line_of(LogLevel::warning, "answered",
              {{"request_id", "r-1"}, {"status", 200}, {"ms", 1.5}, {"cached", true}});
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  const auto document = json(line);
  EXPECT_TRUE(parse_instant(document["time"].GetString()));
  EXPECT_STREQ(document["level"].GetString(), "warning");
  EXPECT_STREQ(document["message"].GetString(), "answered");
  EXPECT_STREQ(document["request_id"].GetString(), "r-1");
  EXPECT_EQ(document["status"].GetInt(), 200);
  EXPECT_EQ(document["ms"].GetDouble(), 1.5);
  EXPECT_TRUE(document["cached"].GetBool());
}

TEST(Log, writes_no_line_below_its_level) {
  EXPECT_EQ(line_of(LogLevel::debug, "noise"), "");
  Pipe pipe;
  {
    Log log{LogOptions{.level = LogLevel::error}, pipe.writer()};
    log.warning("no");
    log.error("yes");
  }
  EXPECT_THAT(pipe.read_all(), HasSubstr("yes"));
}

TEST(Log, escapes_every_character_that_json_requires) {
  const std::string text{"a\"b\\c\nd\re\tf\0g\x7f\x1b[31m\xE2\x80\xA8", 22};
  const auto line = line_of(LogLevel::info, text, {{"value", text}});
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  const auto document = json(line);
  EXPECT_EQ(std::string(document["value"].GetString(), document["value"].GetStringLength()), text);
  EXPECT_EQ(document["message"], document["value"]);
}

TEST(Log, replaces_invalid_utf8) {
  for (const auto* broken :
       {"\xFF", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    const auto document =
        json(line_of(LogLevel::info, "m", {{"value", std::string{"<"} + broken + ">"}}));
    EXPECT_THAT(document["value"].GetString(), HasSubstr("\xEF\xBF\xBD"));
    EXPECT_THAT(document["value"].GetString(), testing::EndsWith(">"));
  }
  const auto document = json(line_of(LogLevel::info, "m", {{"value", "Käse 乾酪 🧀"}}));
  EXPECT_STREQ(document["value"].GetString(), "Käse 乾酪 🧀");
}

TEST(Log, cuts_long_values) {
  const auto document =
      json(line_of(LogLevel::info, "m", {{"value", std::string(1'000'000, 'x')}}));
  EXPECT_LE(document["value"].GetStringLength(), kLogTextMax + 3);
  EXPECT_THAT(document["value"].GetString(), testing::EndsWith("…"));
}

TEST(Log, writes_the_smallest_and_the_largest_numbers) {
  const auto document = json(line_of(LogLevel::info, "m",
                                     {{"min", std::numeric_limits<std::int64_t>::min()},
                                      {"max", std::numeric_limits<std::uint64_t>::max()},
                                      {"nan", std::nan("")}}));
  EXPECT_EQ(document["min"].GetInt64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(document["max"].GetUint64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(document["nan"].IsNull());
}

TEST(Log, masks_tokens_and_passwords_in_every_text) {
  const auto line =
      line_of(LogLevel::error,
              "failed: postgresql://codasync:hunter2@db:5432/x, then postgresql://u:p@ss@db",
              {{"header", "Bearer coda_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcde"},
               {"url", "http://127.0.0.1:8080/a?b=c@d"}});
  EXPECT_THAT(line, Not(HasSubstr("hunter2")));
  EXPECT_THAT(line, Not(HasSubstr("p@ss")));
  EXPECT_THAT(line, Not(HasSubstr("AbCdEf")));
  EXPECT_THAT(line, HasSubstr("postgresql://codasync:***@db:5432/x"));
  EXPECT_THAT(line, HasSubstr("Bearer coda_***\""));
  EXPECT_THAT(line, HasSubstr("http://127.0.0.1:8080/a?b=c@d"));
}

/// The clock of the next tests.
RepeatLimit::Clock::time_point test_time{};

TEST(Log, writes_a_repeated_warning_ten_times_and_then_how_many_it_left_out) {
  test_time = RepeatLimit::Clock::time_point{std::chrono::hours{1}};
  Pipe pipe;
  {
    Log log{LogOptions{}, pipe.writer(), [] { return test_time; }};
    for (int line = 0; line < 12; ++line) log.warning("down", {{"line", line}});
    log.warning("other");
    test_time += RepeatLimit::kWindow;
    log.info("later");
    log.error("down", {{"line", 12}});
  }
  std::istringstream lines{pipe.read_all()};
  std::vector<std::string> messages;
  std::vector<int> suppressed;
  for (std::string line; std::getline(lines, line);) {
    const auto document = json(line);
    messages.emplace_back(document["message"].GetString());
    if (document.HasMember("suppressed")) suppressed.push_back(document["suppressed"].GetInt());
  }
  std::vector<std::string> expected(10, "down");
  expected.insert(expected.end(), {"other", "down", "later", "down"});
  EXPECT_EQ(messages, expected);
  EXPECT_EQ(suppressed, std::vector<int>{2});
}

TEST(Log, reports_what_it_left_out_when_it_ends) {
  Pipe pipe;
  {
    Log log{LogOptions{}, pipe.writer()};
    for (int line = 0; line < 15; ++line) log.error("down");
  }
  EXPECT_THAT(pipe.read_all(), HasSubstr(R"("message":"down","suppressed":5})"));
}

TEST(Log, does_not_limit_debug_and_info_lines) {
  Pipe pipe;
  {
    Log log{LogOptions{}, pipe.writer()};
    for (int line = 0; line < 20; ++line) log.info("answered");
  }
  EXPECT_EQ(std::ranges::count(pipe.read_all(), '\n'), 20);
}

TEST(Log, writes_whole_lines_from_many_threads) {
  constexpr int kThreads = 4;
  constexpr int kLines = 1'000;
  Pipe pipe;
  auto text = std::async(std::launch::async, [&] { return pipe.read_to_end(); });
  {
    Log log{LogOptions{.queue_max = std::size_t{kThreads} * kLines}, pipe.writer()};
    std::vector<std::jthread> writers;
    for (int thread = 0; thread < kThreads; ++thread) {
      writers.emplace_back([&log, thread] {
        for (int line = 0; line < kLines; ++line)
          log.info("m", {{"thread", thread}, {"line", line}});
      });
    }
  }
  pipe.close_writer();
  std::array<int, kThreads> next{};
  std::istringstream lines{text.get()};
  for (std::string line; std::getline(lines, line);) {
    const auto document = json(line);
    EXPECT_EQ(document["line"].GetInt(), next.at(document["thread"].GetUint())++);
  }
  EXPECT_THAT(next, testing::Each(kLines));
}

TEST(Log, drops_lines_when_the_output_is_stuck_and_reports_how_many) {
  Pipe pipe;
  Log log{LogOptions{.queue_max = 16}, pipe.writer()};
  const std::string padding(1'000, 'x');
  for (int line = 0; line < 1'000; ++line)
    log.info("m", {{"padding", padding}});  // does not wait for the output
  EXPECT_GT(log.dropped(), 0U);

  std::atomic<bool> reported{false};
  std::jthread reader{[&] {
    const auto all = pipe.read_to("lines were dropped");
    EXPECT_THAT(all, HasSubstr("lines were dropped"));
    reported = true;
  }};
  while (!reported) {
    log.info("m");
    std::this_thread::yield();
  }
}

}  // namespace
}  // namespace codasync::api
