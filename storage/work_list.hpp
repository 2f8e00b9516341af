#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/model/reading.hpp"

// What staff should check today in a shop.

namespace codasync::storage {

inline constexpr std::int64_t kThresholdDaysMax = 365;
inline constexpr std::size_t kThresholdCategoriesMax = 100;

/// The days after which a reading is on the work list.
struct Thresholds {
  std::int64_t days{3};         // due: it expires today or within this many days; from 0
  std::int64_t stale_days{14};  // stale: the newest look was this many days ago, or more; from 1
  friend bool operator==(const Thresholds&, const Thresholds&) = default;
};

/// Those of the products of one category. nullopt: as in the shop.
struct CategoryThresholds {
  std::optional<std::int64_t> days{};
  std::optional<std::int64_t> stale_days{};
  friend bool operator==(const CategoryThresholds&, const CategoryThresholds&) = default;
};

/// Those of a shop.
struct ShopThresholds : Thresholds {
  std::map<std::string, CategoryThresholds> categories{};  // at most kThresholdCategoriesMax
  std::int64_t version{1};                                 // incremented with each change

  /// Returns: whether both say the same; the versions do not count.
  [[nodiscard]] bool says_the_same(const ShopThresholds& other) const {
    return Thresholds{*this} == Thresholds{other} && categories == other.categories;
  }
};

/// Why a reading is on the work list. One with several reasons has the first one of them.
enum class WorkReason {
  miscounted,     // more was sold than was known; until the next count
  expired,        // the date is before today
  due,            // the date is today or within `days`
  never_checked,  // no sighting, check or count
  stale,          // the newest one was `stale_days` ago, or more. A sale does not count
};

struct WorkItem {
  Reading reading;
  WorkReason reason;
};

/// The parts of the list, in their order. Each is a range of an index.
enum class WorkPart { miscounted, dated, never_checked, stale };

/// A position in the list. It means the same on the next day.
struct WorkCursor {
  WorkPart part;
  std::int64_t day;  // since 1970: the expiry date (dated), the day of the look in UTC (stale)
  ReadingId id;
};

struct WorkFilter {
  ShopId shop;
  std::optional<std::int64_t> days{};        // instead of the thresholds of the shop and of all
  std::optional<std::int64_t> stale_days{};  // categories
  std::optional<std::string> category{};     // exactly
  std::optional<WorkCursor> after{};
};

/// One page of the work list. It can have fewer rows than requested although others follow: a page
/// examines a limited number of rows. `next`: where the next page begins; nothing: this is the last
/// one.
struct WorkPage {
  std::vector<WorkItem> rows;
  std::optional<WorkCursor> next{};
};

}  // namespace codasync::storage
