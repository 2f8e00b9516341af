#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace codasync::api {

/// Limits how often one message text is logged: kLinesMax lines in each window of kWindow, which
/// starts with the first line of that text. Without it a database that is down costs a line for
/// each request. Threads: one at a time.
class RepeatLimit {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t kLinesMax = 10;
  static constexpr std::chrono::seconds kWindow{10};
  static constexpr std::size_t kTextsMax = 1'000;  // texts beyond these are not limited

  struct Suppressed {
    std::string text;
    std::uint64_t lines;
  };

  /// Counts a line. Returns: whether it may be written.
  [[nodiscard]] bool allow(std::string_view text, Clock::time_point now);

  /// Ends each window that is older than kWindow.
  /// Returns: for each of them in which lines were left out, the text and the number of lines.
  [[nodiscard]] std::vector<Suppressed> end_windows(Clock::time_point now);

 private:
  struct Window {
    Clock::time_point start;
    std::uint64_t lines{0};
  };
  std::map<std::string, Window, std::less<>> windows_;  // by text
};

}  // namespace codasync::api
