#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"

namespace codasync {

/// A place with shelves.
struct Shop {
  ShopId id;
  std::string name;       // unique among the shops that exist
  std::string time_zone;  // IANA name; decides what "today" is
  std::int64_t version;   // from 1, incremented with each change
  Instant updated_at;
};

/// The product that has a GTIN.
struct Product {
  Gtin gtin;
  std::string name;
  std::optional<std::string> brand;
  std::optional<std::string> category;
  std::int64_t version;  // from 1, incremented with each change
  Instant updated_at;
};

}  // namespace codasync
