#include "api/observability/repeat_limit.hpp"

namespace codasync::api {

bool RepeatLimit::allow(std::string_view text, Clock::time_point now) {
  auto window = windows_.find(text);
  if (window == windows_.end()) {
    if (windows_.size() >= kTextsMax) return true;
    window = windows_.emplace(text, Window{now}).first;
  }
  return ++window->second.lines <= kLinesMax;
}

std::vector<RepeatLimit::Suppressed> RepeatLimit::end_windows(Clock::time_point now) {
  std::vector<Suppressed> suppressed;
  for (auto window = windows_.begin(); window != windows_.end();) {
    const auto& [text, counted] = *window;
    if (now - counted.start < kWindow) {
      ++window;
      continue;
    }
    if (counted.lines > kLinesMax) suppressed.push_back({text, counted.lines - kLinesMax});
    window = windows_.erase(window);
  }
  return suppressed;
}

}  // namespace codasync::api
