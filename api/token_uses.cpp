#include "api/token_uses.hpp"

#include <exception>
#include <utility>

namespace codasync::api {

TokenUses::TokenUses(Store store, Log& log, std::chrono::milliseconds interval)
    : store_{std::move(store)},
      log_{log},
      interval_{interval},
      thread_{[this](const std::stop_token& stop) { run(stop); }} {}

TokenUses::~TokenUses() {
  thread_.request_stop();
  thread_.join();
}

void TokenUses::note(TokenId token) {
  const MutexLock hold{mutex_};
  used_.insert(token);
}

void TokenUses::run(const std::stop_token& stop) {
  for (bool last = false; !last;) {
    {
      MutexLock hold{mutex_};
      stopped_.wait_for(hold, stop, interval_, [] { return false; });
    }
    // The stop can be requested during store(); what is noted then, or failed, is stored once more.
    last = stop.stop_requested();
    store();
  }
}

void TokenUses::store() {
  std::set<TokenId> used;
  {
    const MutexLock hold{mutex_};
    used.swap(used_);
  }
  if (used.empty()) return;
  try {
    store_({used.begin(), used.end()});
  } catch (const std::exception& failure) {
    log_.warning("the last uses of tokens were not stored and will be repeated",
                 {{"detail", failure.what()}});
    const MutexLock hold{mutex_};
    used_.merge(used);
  }
}

}  // namespace codasync::api
