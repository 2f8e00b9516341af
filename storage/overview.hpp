#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"

// How many readings expire when, by shop and category: one pass over the readings.

namespace codasync::storage {

/// An overview of more readings is refused: it would read for seconds.
inline constexpr std::size_t kOverviewReadingsMax = 100'000;

/// Rows of each table of an overview: those with the most expired readings, then due ones, then
/// readings.
inline constexpr std::size_t kOverviewRowsMax = 1'000;

struct OverviewFilter {
  std::optional<ShopId> shop{};  // nullopt: all shops
  std::int64_t days{30};         // that are counted one by one, from 1
  std::int64_t due_days{7};      // from 0
  std::int64_t stale_days{14};   // from 1
};

/// The days of a reading are those of its shop's time zone.
struct OverviewCounts {
  std::int64_t readings{0};
  std::int64_t units{0};    // the sum of the known quantities
  std::int64_t expired{0};  // the date is before today
  std::int64_t due{0};      // the date is today or within `due_days`
  /// No sighting, check or count, or the newest of them `stale_days` ago or more.
  std::int64_t not_checked{0};
  std::optional<Instant> checked_at{};  // the newest of these
};

struct Overview {
  Date today;  // of the shop; of all: the earliest of their days
  OverviewCounts all{};
  std::map<Date, std::int64_t> by_day{};  // readings that are not expired, from today; none: absent
  struct OfShop {
    ShopId shop;
    OverviewCounts counts;
  };
  std::vector<OfShop> shops{};  // that have readings
  struct OfCategory {
    std::optional<std::string> category;
    OverviewCounts counts;
  };
  std::vector<OfCategory> categories{};
};

enum class OverviewRefusal { unknown_shop, too_many_readings };

}  // namespace codasync::storage
