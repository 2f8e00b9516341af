#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace codasync::api {

/// The threads for what may block: queries, catalogue writes. Fixed after the start.
struct ExecutorOptions {
  // besides one that runs short look-ups only: 1…256
  std::size_t threads{8};
  // requests that may wait for a thread; further ones get 503: 1…1000000
  std::size_t queue_max{1024};
  // a request that waited longer gets 503: 10 ms…60 s
  std::chrono::milliseconds queue_timeout{5000};
};

/// Limits and permissions for clients. Fixed after the start.
struct ApiOptions {
  // false: every read needs a token, and Nginx must not look into the cache
  bool public_reads{true};
  // of a request; more is 413: 1 KB…100 MB
  std::size_t body_bytes_max{1'000'000};
  // for requests in flight after SIGTERM: 0…10 min
  std::chrono::milliseconds shutdown_grace{10'000};
};

/// Returns: one sentence for each setting outside its range: name, value, allowed range.
std::vector<std::string> problems(const ExecutorOptions& options);
std::vector<std::string> problems(const ApiOptions& options);

}  // namespace codasync::api
