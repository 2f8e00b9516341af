#include "api/observability/expired_readings.hpp"

#include <string>

namespace codasync::api {

std::vector<Sample> ExpiredReadings::samples() {
  const MutexLock hold{mutex_};
  const auto now = std::chrono::steady_clock::now();
  if (collected_at_ && now - *collected_at_ < kMaxAge) return samples_;
  std::vector<Sample> fresh;
  for (const auto& [shop, readings] : database_.read()->expired_by_shop(kShopsMax)) {
    fresh.push_back(
        {"codasync_expired_readings",
         "Readings with an expiry date before today in their shop's time zone. Counted up "
         "to " +
             std::to_string(storage::kPageMax) + "; updated at most once a minute.",
         Sample::Kind::gauge,
         static_cast<double>(readings),
         {{"shop", std::to_string(shop.value())}}});
  }
  samples_ = std::move(fresh);
  collected_at_ = now;
  return samples_;
}

}  // namespace codasync::api
