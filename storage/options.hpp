#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "storage/secret.hpp"

// Fixed after the start; config/settings/table.cpp has the ranges.

namespace codasync::storage {

/// Connection and timeouts of PostgreSQL.
struct PostgresOptions {
  Secret url{"postgresql:///codasync"};  // libpq URI or key=value list; several hosts are allowed
  std::size_t connections_max{8};        // for reads
  // for reads that fill the cache. A read that finds no free one does not fill; with as many as
  // executor.threads every read finds one
  std::size_t fill_connections_max{4};
  std::size_t waiters_max{256};                       // requests that may wait for a connection
  std::chrono::milliseconds acquire_timeout{1000};    // for a connection
  std::chrono::milliseconds connect_timeout{3000};    // for a new one
  std::chrono::milliseconds lock_timeout{2000};       // for a lock; shorter than statement_timeout
  std::chrono::milliseconds statement_timeout{5000};  // of a transaction, also of one that idles
  // settings of the cache: its number of slots, and how long data can be in an entry after it was
  // read (entry_ttl + lease_ttl)
  std::size_t cache_slots{1};
  std::chrono::seconds cache_entry_lifetime{3605};
};

/// How concurrent writes are combined into transactions (storage/README.md).
struct CombinerOptions {
  std::size_t lanes{2};              // threads with one connection each
  std::size_t batch_max{256};        // operations in a transaction
  std::size_t lane_queue_max{4096};  // operations waiting in one lane
  // an operation that waited longer is refused without processing
  std::chrono::milliseconds queue_timeout{5000};
  std::size_t attempts_max{4};  // of a batch after a deadlock or a lost connection
  // how long after its arrival staff can void an event of their own; an admin voids all, always
  std::chrono::seconds staff_void_time{72 * 3600};
};

/// Returns: why libpq does not accept this `url`, without the URL; empty when it does.
std::optional<std::string> problem_of_url(const Secret& url);

/// Returns: `url` with asterisks for its passwords, so that an operator recognises it; only
/// asterisks when libpq does not accept it, because it is not known then where a password is.
std::string masked_url(const Secret& url);

/// When sessions end that are not used. Fixed after the start.
struct SessionOptions {
  std::chrono::seconds staff_idle{std::chrono::days{30}};
  std::chrono::seconds admin_idle{std::chrono::hours{12}};
};

}  // namespace codasync::storage
