#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "api/observability/log.hpp"
#include "storage/model/ids.hpp"
#include "storage/mutex.hpp"

namespace codasync::api {

/// Collects which tokens were used, and stores them together from time to time, so that no request
/// writes. What a process that ends suddenly has not stored yet is lost. Threads: safe
/// concurrently.
class TokenUses {
 public:
  /// May block and throw.
  using Store = std::function<void(const std::vector<TokenId>&)>;

  /// `log` outlives it.
  TokenUses(Store store, Log& log, std::chrono::milliseconds interval = std::chrono::minutes{1});
  /// Stores the last ones.
  ~TokenUses();

  /// A request used the token. Never blocks.
  void note(TokenId token);

 private:
  void run(const std::stop_token& stop);
  void store();

  const Store store_;
  Log& log_;
  const std::chrono::milliseconds interval_;
  Mutex mutex_;
  StoppableCondition stopped_;
  std::set<TokenId> used_ CODASYNC_GUARDED_BY(mutex_);  // since the last time they were stored
  std::jthread thread_;                                 // last: it uses all the others
};

}  // namespace codasync::api
