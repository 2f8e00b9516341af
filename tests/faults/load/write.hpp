#pragma once

#include <cstdint>

namespace codasync::faults {

/// Which write it was; what the ledger has to say about it in the end.
struct Write {
  enum class Kind : std::uint8_t {
    record,  // a new reading, or one that comes and goes: by its only writer
    adjust,
    sighting,  // mostly of a later date than the shelf's
    check,
    count,
    remove,
    take_back,  // of another event
    rename,     // of a product, through one of its readings
    put_product,
    change_product,  // one of its texts
    drop_product,
    name_shop,
  };
  enum class End : std::uint8_t { none, done, refused };

  Kind kind{};
  End end{End::none};
  std::int32_t target{0};       // reading, product or shop
  bool imported{false};         // in a file
  bool as_admin{false};         // what staff may not write: takes back an event of a file
  std::int64_t observed_at{0};  // seconds since 1970; 0: it does not say
  std::int64_t takes_back{-1};  // the write whose event it is
  std::int32_t sender{-1};      // of the list it is in; -1: a request of its own
  std::int64_t version{0};      // in its answer, or known beforehand
  bool quiet{false};            // known beforehand: it makes no version
  std::int64_t name{0};         // of a product: the number that its name gets; 0: it stays
  // Newest versions answered before it was sent: of what it writes, and of what its answer shows.
  std::int64_t floor{0};
  std::int64_t name_floor{0};
  std::int64_t product_floor{0};
  std::int64_t reading_floor{0};
  double sent{0};
  double answered{0};

  [[nodiscard]] bool of_reading() const { return kind < Kind::rename; }
  [[nodiscard]] bool of_product() const {
    return kind >= Kind::rename && kind <= Kind::drop_product;
  }
  [[nodiscard]] bool by_admin() const { return as_admin || !of_reading(); }
  [[nodiscard]] bool listed() const { return sender >= 0; }
  /// Whether a request of its own with an Idempotency-Key made it.
  [[nodiscard]] bool has_key() const { return !imported && !listed(); }
};

}  // namespace codasync::faults
