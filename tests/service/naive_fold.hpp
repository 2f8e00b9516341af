#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

// The rules of a reading (storage/README.md), as plainly as they can be written: every effect in
// its place of one order, one after the other. Shares nothing with storage/ and tests/model/.

namespace codasync::test::naive {

enum class Kind { sighting, check, count, adjust, removal, void_of };

/// What a client sends. Moments and dates are texts as in answers, which sort as they follow.
struct Operation {
  Kind kind{};
  std::string observed_at{};
  std::string date{};       // empty: none
  std::string date_kind{};  // empty: not known
  std::optional<std::int64_t> quantity{};
  std::int64_t delta{0};
  std::size_t target{0};  // of a void: the index of another operation
};

/// What answers show of a reading. Not present: nothing else.
struct Shown {
  bool present{false};
  std::string date{};
  std::string date_kind{};
  std::optional<std::int64_t> quantity{};
  std::string checked_at{};
  std::string counted_at{};

  friend bool operator==(const Shown&, const Shown&) = default;
};

/// Returns: what sorts shorter dates first, of equal dates the stricter kind, and no date last.
inline auto length_of(const std::string& date, const std::string& kind) {
  const int laxness = kind == "use_by" ? 0 : kind == "sell_by" ? 1 : kind == "best_before" ? 2 : 3;
  return std::tuple{date.empty(), date, laxness};
}

/// One effect of an operation. Ranks as in the table of storage/README.md.
struct Effect {
  int rank;
  const Operation* of;
};

inline bool comes_before(const Effect& a, const Effect& b) {
  const auto& x = *a.of;
  const auto& y = *b.of;
  if (x.observed_at != y.observed_at) return x.observed_at < y.observed_at;
  if (a.rank != b.rank) return a.rank < b.rank;
  switch (a.rank) {  // what comes last holds
    case 1:
      return length_of(x.date, x.date_kind) > length_of(y.date, y.date_kind);
    case 4:
      return *x.quantity > *y.quantity;
    case 5:
      return x.delta > y.delta;
    default:
      return false;
  }
}

/// Returns: what the operations mean whose indices have arrived, in any order.
inline Shown fold(const std::vector<Operation>& operations,
                  const std::vector<std::size_t>& arrived) {
  std::set<std::size_t> voided;
  for (const auto i : arrived) {
    if (operations[i].kind == Kind::void_of) voided.insert(operations[i].target);
  }
  std::vector<Effect> effects;
  for (const auto i : arrived) {
    const auto& operation = operations[i];
    if (voided.contains(i)) continue;
    if (operation.kind == Kind::removal) effects.push_back({0, &operation});
    if (operation.kind == Kind::check) effects.push_back({1, &operation});
    if (operation.kind == Kind::sighting) effects.push_back({2, &operation});
    if (operation.kind == Kind::check && operation.date.empty() && !operation.quantity)
      effects.push_back({3, &operation});
    if (operation.quantity) effects.push_back({4, &operation});
    if (operation.kind == Kind::adjust) effects.push_back({5, &operation});
  }
  std::sort(effects.begin(), effects.end(), comes_before);

  Shown shown;
  const auto take_date = [&](const Operation& from) {
    shown.date = from.date;
    shown.date_kind = from.date_kind;
  };
  for (const auto& [rank, of] : effects) {
    if (rank == 0) {
      shown = {};
    } else if (rank == 1) {
      take_date(*of);
    } else if (rank == 2) {
      if (length_of(of->date, of->date_kind) < length_of(shown.date, shown.date_kind))
        take_date(*of);
    } else if (rank == 3 || rank == 4) {
      shown.quantity = rank == 3 ? 0 : *of->quantity;
      shown.counted_at = of->observed_at;
    } else if (shown.quantity) {
      shown.quantity = std::max<std::int64_t>(0, *shown.quantity + of->delta);
    }
    if (rank >= 1 && rank <= 4) {
      shown.present = true;
      shown.checked_at = of->observed_at;
    }
  }
  if (!shown.present) return {};
  if (shown.quantity) shown.quantity = std::min<std::int64_t>(*shown.quantity, 2'147'483'647);
  return shown;
}

}  // namespace codasync::test::naive
