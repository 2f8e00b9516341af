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

namespace codasync::api {

enum class LogLevel { debug, info, warning, error };

std::string_view name_of(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view name);

/// Fixed after the start.
struct LogOptions {
  LogLevel level{LogLevel::info};  // lines below it are not written
  std::size_t queue_max{
      8192};  // lines waiting for a slow reader; then the oldest are dropped: 16…1000000
};

/// Returns: one sentence for each setting outside its range, with name, value and rule.
std::vector<std::string> problems(const LogOptions& options);

/// What a field may hold. A Secret does not fit in, on purpose.
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
  Any value_;  // a text is a view: it lives as long as the call of Log::write
};

/// For example {"request_id", id}, {"status", 200}, {"ms", 1.5}.
struct LogField {
  std::string_view name;  // lower_case, without need of escapes
  LogValue value;
};

/// The program's log: one JSON object a line, `time`, `level`, `message`, then the fields.
/// Values are escaped, cut after kLogTextMax bytes, made valid UTF-8; what looks like one of our
/// tokens or like the password of a URL is masked. Threads: write() is safe anywhere and never
/// waits for the reader: lines go through a bounded queue to a thread of its own. When the queue is
/// full the oldest line is dropped; a reader that stands still for 0.2 s loses lines as well.
/// Lost lines are counted, and the log says how many once it is through again.
class Log {
 public:
  /// Writes to the file descriptor, which the caller keeps open as long as the log lives.
  explicit Log(const LogOptions& options, int file_descriptor = 2);

  /// Writes what waits, unless the reader stands still.
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

  /// Returns: lines lost since the start.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  class Queue;
  std::atomic<LogLevel> level_;
  std::unique_ptr<Queue> queue_;
};

inline constexpr std::size_t kLogTextMax = 2000;

}  // namespace codasync::api
