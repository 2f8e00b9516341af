#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/model/uuid.hpp"
#include "tests/faults/load/register.hpp"

// Lists of operations: /stock-readings/batch and /sync.

namespace codasync::faults {

/// A reading in the copy of a device.
struct CopiedRow {
  std::int64_t version{0};  // 0: the device never saw it
  std::int64_t product_version{0};
  std::int64_t name{0};    // the number in the product's name
  std::uint64_t shows{0};  // hash, as Row::shows; 0: it is removed

  friend bool operator==(const CopiedRow&, const CopiedRow&) = default;
};

/// A program or a device that sends operations in lists, and sends those without a result again.
/// It has one request at a time.
struct Sender {
  std::size_t number{0};
  bool synchronises{false};           // to /sync, for one shop; otherwise to /stock-readings/batch
  std::optional<Uuid> device;         // nullopt: the ids belong to the token
  std::size_t shop{0};                // of /sync
  std::vector<std::int64_t> waiting;  // writes without a result
  std::vector<std::int64_t> decided;  // some of those with one: they are sent again
  bool busy{false};                   // until all that wait are decided

  // The copy of the shop (README.md, "For scanner and app developers").
  std::string epoch;
  std::string since;  // empty: from the beginning
  bool complete{false};
  std::vector<CopiedRow> copy;  // by product

  /// Discards the copy.
  void start_again();
  /// Replaces a row by a newer one.
  void take(std::size_t product, const CopiedRow& row);
};

/// One request with a list.
struct ListRequest {
  Sender* sender{nullptr};                                   // nullptr: no list
  std::vector<std::int64_t> writes;                          // in their order
  std::unordered_map<const Register*, std::int64_t> floors;  // newest() when it was sent
};

/// Returns: the id of operation n of this program as a UUID.
Uuid numbered_uuid(std::int64_t n);

/// Returns: each result of an answer to a list.
std::vector<std::string_view> results_of(std::string_view body);
/// Returns: the reading of a result; empty: none.
std::string_view reading_in(std::string_view result);
/// Returns: the changes of an answer of /sync.
std::vector<std::string_view> changes_of(std::string_view body);

}  // namespace codasync::faults
