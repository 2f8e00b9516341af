#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "storage/secret.hpp"

namespace codasync::storage {

/// Connection and timeouts of PostgreSQL. Constant after the start.
struct PostgresOptions {
  // libpq URI or key=value list; several hosts are allowed
  Secret url{"postgresql:///codasync"};
  // for reads: 1…1000
  std::size_t connections_max{8};
  // for reads that fill the cache: 1…1000. A read that finds no free one does not fill; with as
  // many as executor.threads every read finds one
  std::size_t fill_connections_max{4};
  // requests that may wait for a connection: 0…100000
  std::size_t waiters_max{256};
  // for a connection, 10 ms…60 s
  std::chrono::milliseconds acquire_timeout{1000};
  // for a new one, 1 s…60 s
  std::chrono::milliseconds connect_timeout{3000};
  // for a lock, 10 ms…60 s; shorter than statement_timeout
  std::chrono::milliseconds lock_timeout{2000};
  // for a statement of a transaction, and for one that idles, 10 ms…600 s
  std::chrono::milliseconds statement_timeout{5000};
  // settings of the cache: its number of slots, and how long data can be in an entry after it was
  // read (entry_ttl + lease_ttl)
  std::size_t cache_slots{1};
  std::chrono::seconds cache_entry_lifetime{3605};
};

/// How concurrent writes are combined into transactions (storage/README.md).
struct CombinerOptions {
  // threads with one connection each: 1…64
  std::size_t lanes{2};
  // operations in a transaction: 1…1000
  std::size_t batch_max{256};
  // operations waiting in one lane: 1…1000000
  std::size_t lane_queue_max{4096};
  // an operation that waited longer is refused without processing: 10 ms…60 s
  std::chrono::milliseconds queue_timeout{5000};
  // of a batch after a deadlock or a lost connection: 1…20
  std::size_t attempts_max{4};
};

/// Returns: one sentence for each setting outside its range, with name, value and rule; empty when
/// all are valid.
std::vector<std::string> problems(const PostgresOptions& options);
std::vector<std::string> problems(const CombinerOptions& options);

}  // namespace codasync::storage
