#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace codasync::api::cli {

/// A progress line on stderr when it is a terminal, otherwise nothing. Threads: one at a time.
class Progress {
 public:
  Progress();

  /// Redraws the line, at most ten times a second. `text` is called only then.
  void show(const std::function<std::string()>& text);

  /// Removes the line, so that other output can be written.
  void clear() const;

 private:
  const bool on_terminal_;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace codasync::api::cli
