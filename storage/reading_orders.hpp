#pragma once

#include <cstddef>
#include <vector>

#include "storage/reader.hpp"

namespace codasync::storage {

/// A page of readings examines at most this many rows of its list's index, or `limit` + 1 if that
/// is more: the time for a page does not depend on the data. So a page can have fewer rows than
/// `limit`, and further rows follow. With what a sort reads ahead it is less than a thousand rows.
inline constexpr std::size_t kExaminedMax = 900;

/// The most pairs of shops and products of a list that names both. They are sorted.
inline constexpr std::size_t kPairsMax = 1000;

/// Returns: the orders in which an index serves the list, whatever the number of readings; the
/// first one is that of a list without an order. Never empty.
std::vector<ReadingOrder> orders_of(const ReadingFilter& filter);

}  // namespace codasync::storage
