#pragma once

#include "tests/support/database.hpp"

namespace codasync::test {

inline constexpr int kManyShops = 200;
inline constexpr int kManyProducts = 20'000;

/// Fills an empty database with a million readings: shop 1 has few, shop 200 the most. Of a hundred
/// readings eight are sold out, ten were never counted, two were removed, and eleven have no date;
/// the dates are those of 400 days, the checks and changes those of 60.
void add_many_readings(const TestDatabase& database);

}  // namespace codasync::test
