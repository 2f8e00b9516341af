#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace codasync::api::cli {

/// One line on a terminal that moves, and nothing elsewhere. Threads: one at a time.
class Progress {
 public:
  Progress();

  /// Draws the line anew, at most ten times a second; only then it asks for the text.
  void show(const std::function<std::string()>& text);

  /// Takes the line away, so that others can write.
  void clear() const;

 private:
  const bool on_terminal_;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace codasync::api::cli
