#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

// Fixed after the start; config/settings/table.cpp has the ranges.

namespace codasync::api {

/// The threads for what may block: queries, catalogue writes.
struct ExecutorOptions {
  std::size_t threads{8};       // besides one that runs short look-ups only
  std::size_t queue_max{1024};  // of each queue: requests that may wait; further ones get 503
  std::chrono::milliseconds queue_timeout{5000};  // a request that waited longer gets 503
};

/// Limits and permissions for clients.
struct ApiOptions {
  bool public_reads{true};  // false: every read needs a token, and Nginx must not use the cache
  std::vector<std::string> cors_origins{};  // whose web pages may use the API (cors.hpp)
  std::size_t body_bytes_max{1'000'000};    // of a request; more is 413
  std::size_t streams_max{2'000};           // open streams of changes; further ones get 503
  std::size_t exports_max{2};               // at the same time; further ones get 503
  std::chrono::seconds token_lifetime{365 * 86'400};  // of a token that is made without an end
  std::chrono::seconds token_lifetime_max{5 * 365 * 86'400};  // of a new token
  // how long staff can take back an event of their own: CombinerOptions::staff_void_time
  std::chrono::seconds staff_void_time{72 * 3600};
  std::size_t imports_max{2};                        // at the same time; further ones get 503
  std::size_t import_bytes_max{100'000'000};         // of a file; more is 413
  std::chrono::milliseconds shutdown_grace{10'000};  // for requests in flight after SIGTERM
};

/// Returns: why these are not values of `api.cors_origins`, one sentence end for each; empty: they
/// are. An origin is compared with what browsers send, so it must be spelled as they do.
std::vector<std::string> problems_of_origins(const std::vector<std::string>& origins);

}  // namespace codasync::api
