#include "api/observability/expired_readings.hpp"

#include <string>

namespace codasync::api {

std::vector<Figure> ExpiredReadings::figures() {
  const std::scoped_lock hold{mutex_};
  const auto now = std::chrono::steady_clock::now();
  if (asked_ && now - *asked_ < kKept) return figures_;
  std::vector<Figure> fresh;
  for (const auto& [shop, readings] : database_.read()->expired_by_shop(kShopsMax)) {
    fresh.push_back({"codasync_expired_readings",
                     "Readings whose date has passed in their shop's time zone; counted to " +
                         std::to_string(storage::kPageMax) + ", at most a minute old.",
                     Figure::Kind::gauge,
                     static_cast<double>(readings),
                     {{"shop", std::to_string(shop.value())}}});
  }
  figures_ = std::move(fresh);
  asked_ = now;
  return figures_;
}

}  // namespace codasync::api
