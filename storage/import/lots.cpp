#include "storage/import/lots.hpp"

#include <chrono>
#include <cstdint>

namespace codasync::storage {
namespace {

/// Returns: a number of the reading; two of a million readings have the same one with a probability
/// below 10^-7.
std::uint64_t key_of(const ImportedReading& row) {
  auto key = static_cast<std::uint64_t>(row.gtin.number()) +
             static_cast<std::uint64_t>(row.shop.value()) * 0x9E3779B97F4A7C15U;
  key = (key ^ key >> 30U) * 0xBF58476D1CE4E5B9U;  // the mixer of SplitMix64
  key = (key ^ key >> 27U) * 0x94D049BB133111EBU;
  return key ^ key >> 31U;
}

constexpr std::chrono::sys_days kEpoch{kExpiryDateMin};
constexpr std::uint32_t kNone = UINT32_MAX;  // no quantity
static_assert(kNone > kQuantityMax);

}  // namespace

std::optional<LotRule> parse_lot_rule(std::string_view name) {
  if (name == "sum") return LotRule::sum;
  if (name == "last") return LotRule::last;
  if (name == "refuse") return LotRule::refuse;
  return std::nullopt;
}

std::optional<RowRefusal> Lots::apply(ImportedReading& row) {
  const bool is_check = row.kind == EventKind::check;
  if ((!row.quantity && !is_check) || row.observed_at) return std::nullopt;
  if (rule_ == LotRule::last && known_.size() >= kReadingsMax) return std::nullopt;
  const auto refuse = [&](std::string reason) {
    return RowRefusal{row.line, row.quantity ? "quantity" : "expiry_date", std::move(reason)};
  };
  Known own{.quantity = row.quantity ? static_cast<std::uint32_t>(*row.quantity) : kNone};
  if (row.date) {
    own.days =
        static_cast<std::uint16_t>((std::chrono::sys_days{row.date->date} - kEpoch).count() + 1);
    if (row.date->kind)
      own.date_kind = static_cast<std::uint8_t>(static_cast<int>(*row.date->kind) + 1);
  }
  const auto [found, is_new] = known_.try_emplace(key_of(row), own);
  if (is_new) {
    if (known_.size() <= kReadingsMax) return std::nullopt;
    known_.erase(found);
    return refuse("The file has more than " + std::to_string(kReadingsMax) +
                  " readings, so rows of one reading would not be found. Divide the file, or add "
                  "observed_at.");
  }
  auto& known = found->second;
  const bool replaces = is_check || (row.quantity && known.quantity != kNone);
  if (replaces) ++repeated_;
  switch (replaces ? rule_ : LotRule::sum) {
    case LotRule::last:
      return std::nullopt;
    case LotRule::refuse:
      return refuse("An earlier row has the same shop and GTIN (--lots refuse).");
    case LotRule::ask:
      return refuse(
          "An earlier row has the same shop and GTIN. If the rows are lots that add up: --lots "
          "sum; "
          "if the last one counts: --lots last.");
    case LotRule::sum:
      break;
  }
  if (row.quantity) {
    const std::int64_t before = known.quantity == kNone ? 0 : known.quantity;
    if (before + *row.quantity > kQuantityMax)
      return refuse("The sum of the lots is larger than 2147483647.");
    known.quantity = static_cast<std::uint32_t>(before + *row.quantity);
    row.quantity = known.quantity;
  }
  if (own.days != 0 && (known.days == 0 || own.days < known.days ||
                        (own.days == known.days && own.date_kind != 0 &&
                         (known.date_kind == 0 || own.date_kind < known.date_kind)))) {
    known.days = own.days;
    known.date_kind = own.date_kind;
  }
  if (known.days != 0 && row.kind != EventKind::count) {
    row.date =
        ShelfDate{Date{kEpoch + std::chrono::days{known.days - 1}},
                  known.date_kind == 0 ? std::nullopt
                                       : std::optional{static_cast<DateKind>(known.date_kind - 1)}};
  }
  return std::nullopt;
}

}  // namespace codasync::storage
