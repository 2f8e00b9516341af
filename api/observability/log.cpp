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

#include "storage/model/time.hpp"

namespace codasync::api {
namespace {

constexpr std::array<std::pair<LogLevel, std::string_view>, 4> kLevels{
    {{LogLevel::debug, "debug"},
     {LogLevel::info, "info"},
     {LogLevel::warning, "warning"},
     {LogLevel::error, "error"}}};

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Returns: the length of the well-formed UTF-8 sequence that `text` begins with (RFC 3629, section
/// 4), 0 for none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xC2   ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  // The second byte's range shuts out overlong forms, surrogates and what is above U+10FFFF.
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t at = 2; at < length; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return 0;
  }
  return length;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty() && valid.size() < kLogTextMax) {
    const std::size_t length = sequence_length(text);
    valid.append(length == 0 ? kReplacement : text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (!text.empty()) valid.append("…");
  return valid;
}

/// Masks the tokens that this service makes.
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

/// The end of the queue: writes each line, but does not wait longer than 0.2 s for a reader that
/// stands still. Threads: the queue's own, except for lost().
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
    const std::uint64_t gone = lost_ + overrun_();
    if (gone > reported_ &&
        write(make_line(LogLevel::warning, "Log lines were lost: their reader is too slow.",
                        {{"lines", gone - reported_}}))) {
      reported_ = gone;
    }
  }
  void flush_() override {}

 private:
  /// Returns: whether all of it was written.
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

  /// Writes up to PIPE_BUF bytes, which do not block once poll() said that there is room.
  std::size_t write_part(std::string_view part) {
    constexpr int kPatienceMs = 200;
    pollfd ready{descriptor_, POLLOUT, 0};
    const int polled = ::poll(&ready, 1, stuck_ ? 0 : kPatienceMs);
    stuck_ = polled == 0;
    if (polled <= 0) return 0;
    const auto written = ::write(descriptor_, part.data(), part.size());
    return written > 0 ? static_cast<std::size_t>(written) : 0;
  }

  const int descriptor_;
  const std::function<std::uint64_t()> overrun_;
  bool stuck_{false};  // the reader stood still when we last looked: look again, but do not wait
  bool torn_{false};   // a line ended in the middle
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

std::vector<std::string> problems(const LogOptions& options) {
  if (options.queue_max >= 16 && options.queue_max <= 1'000'000) return {};
  return {"log.queue_max is " + std::to_string(options.queue_max) + ": it must be 16 to 1000000."};
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

Log::Log(const LogOptions& options, int file_descriptor)
    : level_{options.level}, queue_{std::make_unique<Queue>(options.queue_max, file_descriptor)} {}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (writes(level)) queue_->push(make_line(level, message, fields));
}

std::uint64_t Log::dropped() const noexcept { return queue_->dropped(); }

}  // namespace codasync::api
