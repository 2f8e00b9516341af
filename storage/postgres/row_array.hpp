#pragma once

#include <endian.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <pqxx/binarystring>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "storage/model/reading.hpp"

namespace codasync::storage::postgres {

/// The number of a type in PostgreSQL, its OID.
using TypeNumber = std::uint32_t;

/// Where a row lies in its table: a `tid`.
struct RowAddress {
  std::uint32_t block;
  std::uint16_t offset;
};

/// Returns: PostgreSQL's type for a value, by the number that pg_type.dat gives it for ever.
template <class Value>
consteval TypeNumber type_of() {
  if constexpr (std::is_same_v<Value, bool>) return 16;
  if constexpr (std::is_same_v<Value, std::array<std::uint8_t, 32>>) return 17;  // bytea
  if constexpr (std::is_same_v<Value, std::int64_t>) return 20;
  if constexpr (std::is_same_v<Value, int>) return 23;
  if constexpr (std::is_same_v<Value, std::string_view>) return 25;  // text
  if constexpr (std::is_same_v<Value, RowAddress>) return 27;
  if constexpr (std::is_same_v<Value, Date>) return 1082;
  if constexpr (std::is_same_v<Value, Instant>) return 1184;  // timestamptz
  if constexpr (std::is_same_v<Value, Uuid>) return 2950;
}

/// PostgreSQL counts days and microseconds from here.
inline constexpr std::chrono::sys_days kPostgresEpoch{std::chrono::year{2000} / 1 / 1};

/// Writes an array of rows of a composite type in the binary format (array_recv, record_recv): big
/// endian, each value with its type and its length.
class RowArrayWriter {
 public:
  RowArrayWriter(TypeNumber type, std::size_t rows) {
    put_raw(std::int32_t{rows > 0});  // dimensions
    put_raw(std::int32_t{0});         // no row is null
    put_raw(type);
    if (rows == 0) return;
    put_raw(static_cast<std::int32_t>(rows));
    put_raw(std::int32_t{1});  // the first index
  }

  template <class... Values>
  void row(const std::tuple<Values...>& values) {
    const std::size_t start = begin_length();
    put_raw(static_cast<std::int32_t>(sizeof...(Values)));
    std::apply([this](const auto&... value) { (put(value), ...); }, values);
    end_length(start);
  }

  std::string done() { return std::move(bytes_); }

 private:
  template <class Value>
  void put(const Value& value) {
    put_raw(type_of<Value>());
    const std::size_t start = begin_length();
    put_raw(value);
    end_length(start);
  }
  template <class Value>
  void put(const std::optional<Value>& value) {
    if (value) return put(*value);
    put_raw(type_of<Value>());
    put_raw(std::int32_t{-1});  // null
  }

  void put_raw(bool truth) { bytes_ += truth ? '\1' : '\0'; }
  void put_raw(std::uint16_t number) { put_bytes(htobe16(number)); }
  void put_raw(std::uint32_t number) { put_bytes(htobe32(number)); }
  void put_raw(std::int32_t number) { put_raw(static_cast<std::uint32_t>(number)); }
  void put_raw(std::int64_t number) { put_bytes(htobe64(static_cast<std::uint64_t>(number))); }
  void put_raw(RowAddress address) {
    put_raw(address.block);
    put_raw(address.offset);
  }
  void put_raw(Instant moment) {
    put_raw(std::int64_t{std::chrono::microseconds{moment - kPostgresEpoch}.count()});
  }
  void put_raw(Date date) {
    put_raw(static_cast<std::int32_t>((std::chrono::sys_days{date} - kPostgresEpoch).count()));
  }
  void put_raw(std::string_view text) { bytes_ += text; }
  void put_raw(const Uuid& uuid) { put_raw(uuid.bytes); }
  template <std::size_t size>
  void put_raw(const std::array<std::uint8_t, size>& bytes) {
    put_bytes(bytes);
  }

  template <class Value>
  void put_bytes(const Value& value) {
    const auto bytes = std::bit_cast<std::array<char, sizeof value>>(value);
    bytes_.append(bytes.data(), bytes.size());
  }

  /// A length is known when what it counts is written.
  std::size_t begin_length() {
    put_raw(std::int32_t{0});
    return bytes_.size();
  }
  void end_length(std::size_t start) {
    const auto length = htobe32(static_cast<std::uint32_t>(bytes_.size() - start));
    std::memcpy(bytes_.data() + start - sizeof length, &length, sizeof length);
  }

  std::string bytes_;
};

/// Returns: an array parameter in the binary format with an element for each of `range`, a row of
/// the composite type `type`. `values` makes a tuple of the row's values, in the order of the
/// type's columns and each of its type; std::nullopt is null.
template <class Range, class Values>
pqxx::binarystring array_of_rows(TypeNumber type, const Range& range, Values&& values) {
  RowArrayWriter writer{type, std::size(range)};
  for (const auto& item : range) writer.row(values(item));
  return pqxx::binarystring{writer.done()};
}

}  // namespace codasync::storage::postgres
