#include "api/observability/log.hpp"

#include <poll.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cmath>
#include <functional>
#include <utility>

#include "storage/model/text.hpp"
#include "storage/model/time.hpp"

namespace codasync::api {
namespace {

constexpr std::array<std::pair<LogLevel, std::string_view>, 4> kLevels{
    {{LogLevel::debug, "debug"},
     {LogLevel::info, "info"},
     {LogLevel::warning, "warning"},
     {LogLevel::error, "error"}}};

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty() && valid.size() < kLogTextMax) {
    const std::size_t length = utf8_length(text);
    valid.append(length == 0 ? kReplacementCharacter : text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (!text.empty()) valid.append("…");
  return valid;
}

/// Masks access tokens.
void mask_tokens(std::string& text) {
  constexpr std::string_view kPrefix = "coda_";
  for (auto at = text.find(kPrefix); at != std::string::npos; at = text.find(kPrefix, at)) {
    at += kPrefix.size();
    auto end = at;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 ||
                                 text[end] == '-' || text[end] == '_')) {
      ++end;
    }
    text.replace(at, end - at, "***");
  }
}

/// Masks PASSWORD in scheme://user:PASSWORD@host.
void mask_url_passwords(std::string& text) {
  constexpr std::string_view kAuthority = "://";
  for (auto at = text.find(kAuthority); at != std::string::npos; at = text.find(kAuthority, at)) {
    at += kAuthority.size();
    const auto end = std::min(text.find_first_of("/?# \"'", at), text.size());
    const auto host = text.substr(at, end - at).rfind('@');
    const auto colon = text.substr(at, end - at).find(':');
    if (host == std::string::npos || colon == std::string::npos || colon > host) continue;
    text.replace(at + colon + 1, host - colon - 1, "***");
  }
}

std::string presentable(std::string_view text) {
  std::string shown = valid_utf8(text);
  mask_tokens(shown);
  mask_url_passwords(shown);
  return shown;
}

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_text(Writer& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_value(Writer& writer, const LogValue& value) {
  struct Visitor {
    Writer& writer;
    void operator()(std::string_view text) const { write_text(writer, presentable(text)); }
    void operator()(bool flag) const { writer.Bool(flag); }
    void operator()(std::int64_t number) const { writer.Int64(number); }
    void operator()(std::uint64_t number) const { writer.Uint64(number); }
    void operator()(double number) const {
      std::isfinite(number) ? writer.Double(number) : writer.Null();
    }
  };
  std::visit(Visitor{writer}, value.get());
}

std::string make_line(LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
  rapidjson::StringBuffer buffer;
  Writer writer{buffer};
  writer.SetMaxDecimalPlaces(3);
  writer.StartObject();
  writer.Key("time");
  write_text(writer, to_string(now()));
  writer.Key("level");
  write_text(writer, name_of(level));
  writer.Key("message");
  write_text(writer, presentable(message));
  for (const auto& field : fields) {
    writer.Key(field.name.data(), static_cast<rapidjson::SizeType>(field.name.size()));
    write_value(writer, field.value);
  }
  writer.EndObject();
  return std::string{buffer.GetString(), buffer.GetSize()}.append("\n");
}

/// The end of the queue: writes each line to the file descriptor. A line is dropped when the
/// descriptor accepts nothing for 0.2 s. Threads: the queue's only, except for lost().
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  DescriptorSink(int descriptor, std::function<std::uint64_t()> overrun)
      : descriptor_{descriptor}, overrun_{std::move(overrun)} {}

  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!write({message.payload.data(), message.payload.size()})) {
      ++lost_;
      return;
    }
    const std::uint64_t dropped = lost_ + overrun_();
    if (dropped > reported_ &&
        write(make_line(LogLevel::warning, "log lines were dropped because the output was too slow",
                        {{"lines", dropped - reported_}}))) {
      reported_ = dropped;
    }
  }
  void flush_() override {}

 private:
  /// Returns: whether the whole line was written.
  bool write(std::string_view line) {
    if (torn_) {
      if (!write_part("\n")) return false;
      torn_ = false;
    }
    const auto length = line.size();
    while (!line.empty()) {
      const auto part = write_part(line.substr(0, PIPE_BUF));
      if (part == 0) {
        torn_ = line.size() < length;
        return false;
      }
      line.remove_prefix(part);
    }
    return true;
  }

  /// Writes up to PIPE_BUF bytes, which does not block after poll() has reported POLLOUT.
  std::size_t write_part(std::string_view part) {
    constexpr int kTimeoutMs = 200;
    pollfd ready{descriptor_, POLLOUT, 0};
    const int polled = ::poll(&ready, 1, stuck_ ? 0 : kTimeoutMs);
    stuck_ = polled == 0;
    if (polled <= 0) return 0;
    const auto written = ::write(descriptor_, part.data(), part.size());
    return written > 0 ? static_cast<std::size_t>(written) : 0;
  }

  const int descriptor_;
  const std::function<std::uint64_t()> overrun_;
  bool stuck_{false};  // the last poll() timed out: poll again without waiting
  bool torn_{false};   // the last line was written in part
  std::uint64_t reported_{0};
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace

std::string_view name_of(LogLevel level) {
  return std::ranges::find(kLevels, level, &decltype(kLevels)::value_type::first)->second;
}

std::optional<LogLevel> parse_log_level(std::string_view name) {
  const auto found = std::ranges::find(kLevels, name, &decltype(kLevels)::value_type::second);
  if (found == kLevels.end()) return std::nullopt;
  return found->first;
}

class Log::Queue {
 public:
  Queue(std::size_t lines_max, int descriptor)
      : pool_{std::make_shared<spdlog::details::thread_pool>(lines_max, 1)},
        sink_{std::make_shared<DescriptorSink>(
            descriptor, [pool = pool_.get()] { return pool->overrun_counter(); })},
        logger_{std::make_shared<spdlog::async_logger>(
            "codasync", sink_, pool_, spdlog::async_overflow_policy::overrun_oldest)} {}

  ~Queue() {
    logger_.reset();
    pool_.reset();  // waits for its thread, which uses the sink
  }

  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  void push(std::string_view line) { logger_->log(spdlog::level::info, line); }

  [[nodiscard]] std::uint64_t dropped() const { return sink_->lost() + pool_->overrun_counter(); }

 private:
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<DescriptorSink> sink_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

Log::Log(const LogOptions& options, int file_descriptor, Clock::time_point (*now)())
    : level_{options.level},
      now_{now},
      queue_{std::make_unique<Queue>(options.queue_max, file_descriptor)} {}

Log::~Log() { report_suppressed(Clock::time_point::max()); }

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!writes(level)) return;
  {
    const auto moment = now_();
    const MutexLock hold{mutex_};
    report_suppressed(moment);
    if (level >= LogLevel::warning && !limit_.allow(message, moment)) return;
  }
  queue_->push(make_line(level, message, fields));
}

void Log::report_suppressed(Clock::time_point now) {
  const auto level = std::max(level_.load(std::memory_order_relaxed), LogLevel::warning);
  for (const auto& [text, lines] : limit_.end_windows(now))
    queue_->push(make_line(level, text, {{"suppressed", lines}}));
}

std::uint64_t Log::dropped() const noexcept { return queue_->dropped(); }

}  // namespace codasync::api
