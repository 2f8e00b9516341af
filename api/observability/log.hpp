#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/observability/options.hpp"
#include "api/observability/repeat_limit.hpp"
#include "storage/mutex.hpp"

namespace codasync::api {

/// The value of a field. A Secret cannot be converted to it, on purpose.
class LogValue {
 public:
  // NOLINTBEGIN: implicit on purpose
  LogValue(std::string_view text) : value_{text} {}
  LogValue(const std::string& text) : value_{std::string_view{text}} {}
  LogValue(const char* text) : value_{std::string_view{text}} {}
  LogValue(bool value) : value_{value} {}
  LogValue(std::signed_integral auto value) : value_{std::int64_t{value}} {}
  LogValue(std::unsigned_integral auto value) : value_{std::uint64_t{value}} {}
  LogValue(double value) : value_{value} {}
  // NOLINTEND

  using Any = std::variant<std::string_view, bool, std::int64_t, std::uint64_t, double>;
  [[nodiscard]] const Any& get() const noexcept { return value_; }

 private:
  Any value_;  // a text is a view, valid for the call of Log::write
};

/// For example {"request_id", id}, {"status", 200}, {"ms", 1.5}.
struct LogField {
  std::string_view name;  // lower_case; not escaped
  LogValue value;
};

/// The program's log: one JSON object per line with `time`, `level`, `message`, then the fields.
///
/// Values are escaped, cut after kLogTextMax bytes and made valid UTF-8. Access tokens and
/// passwords in URLs are masked.
///
/// A warning or error with the same message text is written at most 10 times in 10 s (RepeatLimit).
/// After that time one line with this message has the field `suppressed`: how many lines were left
/// out. It is written with the next line of any message, or by the destructor.
///
/// Lines are dropped when the output is too slow: when the bounded queue is full, its oldest line;
/// when the output accepts nothing for 0.2 s, the line that waits. Dropped lines are counted, and
/// the log reports the number when the output accepts lines again.
///
/// Threads: write() is safe concurrently and does not wait for the output, which has its own
/// thread.
class Log {
 public:
  using Clock = RepeatLimit::Clock;

  /// Requires: the file descriptor stays open until the destructor returns. `now`: the clock.
  explicit Log(const LogOptions& options, int file_descriptor = 2,
               Clock::time_point (*now)() = Clock::now);

  /// Writes the lines that wait, unless the output accepts nothing.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  [[nodiscard]] bool writes(LogLevel level) const noexcept {
    return level >= level_.load(std::memory_order_relaxed);
  }

  /// From now on lines below `level` are not written.
  void set_level(LogLevel level) noexcept { level_.store(level, std::memory_order_relaxed); }

  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::info, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::warning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::error, message, fields);
  }

  /// Returns: the number of lines dropped since the start.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  class Queue;

  /// Writes one line for each text of which lines were left out, when its time is over at `now`.
  void report_suppressed(Clock::time_point now) CODASYNC_REQUIRES(mutex_);

  std::atomic<LogLevel> level_;
  Clock::time_point (*const now_)();
  Mutex mutex_;
  RepeatLimit limit_ CODASYNC_GUARDED_BY(mutex_);
  std::unique_ptr<Queue> queue_;
};

inline constexpr std::size_t kLogTextMax = 2000;

}  // namespace codasync::api
