#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/model/reading.hpp"

namespace codasync::storage {

/// A fictional catalogue for demonstrations. Its GTINs have the GS1 prefix 952, which is reserved
/// for examples.
struct Demo {
  struct Shop {
    std::string name;
    std::string time_zone;  // IANA name
  };
  struct Product {
    Gtin gtin;
    std::string name;  // unique
    std::string brand;
    std::string category;
  };
  struct Reading {
    std::size_t shop;     // in shops
    std::size_t product;  // in products
    ShelfDate date;
    std::int64_t quantity;
    Instant observed_at;
  };

  std::vector<Shop> shops;
  std::vector<Product> products;
  std::vector<Reading> readings;  // at most one per product and shop
};

struct DemoOptions {
  std::uint64_t seed{1};
  std::size_t products{3'000};   // 1…kDemoProductsMax
  unsigned stocked_percent{25};  // of the products in each shop, 0…100
  Date today;                    // expiry dates are near it: some expired, most of them due soon
};

inline constexpr std::size_t kDemoProductsMax = 10'000;

/// Returns: the same values for the same options, on every machine. Pure.
Demo make_demo(const DemoOptions& options);

}  // namespace codasync::storage
