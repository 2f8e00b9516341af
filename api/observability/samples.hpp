#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cache/options.hpp"

namespace codasync::api {

/// A value that is collected at scrape time. What is counted as it happens is in Metrics.
struct Sample {
  enum class Kind { gauge, counter };

  std::string name;
  std::string help;
  Kind kind{Kind::gauge};
  double value{0};
  std::vector<std::pair<std::string, std::string>> labels{};
};

/// Returns: the resources that this process uses, with the names that all Prometheus clients use; 0
/// where the system reports none.
std::vector<Sample> process_samples();

/// Returns: `codasync_build_info`: 1, with version, compiler and migration as labels.
Sample build_sample();

/// Queries each server on a new connection; one that hangs costs two timeouts.
/// Returns: the statistics of each Memcached server, with its slot as label; for an unavailable
/// server only `codasync_memcached_up`.
std::vector<Sample> memcached_samples(const cache::MemcachedOptions& options);

}  // namespace codasync::api
