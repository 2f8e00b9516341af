#include "cache/codec.hpp"

#include <zlib.h>

#include <cassert>
#include <cereal/archives/portable_binary.hpp>
#include <cstdint>
#include <limits>
#include <sstream>

namespace codasync::cache {
namespace {

constexpr char kProductKind = 'P';
constexpr char kShopKind = 'S';
constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 6;
constexpr std::int64_t kGtinLimit = 100'000'000'000'000;

/// Text with a length of two octets. cereal's own text has a length of eight octets, and allocates
/// that much before it checks the size of the input.
struct Text {
  std::string value;

  template <class Archive>
  void save(Archive& archive) const {
    assert(value.size() <= std::numeric_limits<std::uint16_t>::max());
    archive(static_cast<std::uint16_t>(value.size()),
            cereal::binary_data(value.data(), value.size()));
  }
  template <class Archive>
  void load(Archive& archive) {
    std::uint16_t size{};
    archive(size);
    value.resize(size);
    archive(cereal::binary_data(value.data(), value.size()));
  }
};

struct OptionalText {
  std::optional<std::string> value;

  template <class Archive>
  void save(Archive& archive) const {
    archive(static_cast<std::uint8_t>(value.has_value()));
    if (value) archive(Text{*value});
  }
  template <class Archive>
  void load(Archive& archive) {
    std::uint8_t present{};
    archive(present);
    if (present == 0) return;
    Text text;
    archive(text);
    value = std::move(text.value);
  }
};

std::string checksum(std::string_view body) {
  const auto crc = static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
  std::string octets;
  for (int shift = 24; shift >= 0; shift -= 8) octets += static_cast<char>((crc >> shift) & 0xff);
  return octets;
}

template <class... Fields>
std::string seal(char kind, const Fields&... fields) {
  std::ostringstream stream;
  cereal::PortableBinaryOutputArchive archive{
      stream, cereal::PortableBinaryOutputArchive::Options::LittleEndian()};
  archive(fields...);
  const std::string body = std::move(stream).str();
  return std::string{kind, kVersion} + checksum(body) + body;
}

/// Returns: whether seal() made `bytes` of fields of these types. Then `fields` have the values.
template <class... Fields>
bool unseal(char kind, std::string_view bytes, Fields&... fields) {
  if (bytes.size() < kHeadBytes || bytes[0] != kind || bytes[1] != kVersion) return false;
  const std::string_view body = bytes.substr(kHeadBytes);
  if (bytes.substr(2, 4) != checksum(body)) return false;
  std::istringstream stream{std::string{body}};
  try {
    cereal::PortableBinaryInputArchive archive{stream};
    archive(fields...);
  } catch (const cereal::Exception&) {
    return false;  // shorter than its fields
  }
  return stream.peek() == std::istringstream::traits_type::eof();
}

}  // namespace

std::string encode(const Product& product) {
  return seal(kProductKind, product.gtin.number(), Text{product.name}, OptionalText{product.brand},
              OptionalText{product.category}, product.version,
              static_cast<std::int64_t>(product.updated_at.time_since_epoch().count()));
}

std::string encode(const Shop& shop) {
  return seal(kShopKind, shop.id.value(), Text{shop.name}, Text{shop.time_zone}, shop.version,
              static_cast<std::int64_t>(shop.updated_at.time_since_epoch().count()));
}

std::optional<Product> decode_product(std::string_view bytes) {
  std::int64_t gtin{};
  std::int64_t version{};
  std::int64_t updated_at{};
  Text name;
  OptionalText brand;
  OptionalText category;
  if (!unseal(kProductKind, bytes, gtin, name, brand, category, version, updated_at) || gtin < 0 ||
      gtin >= kGtinLimit) {
    return std::nullopt;
  }
  return Product{Gtin::from_number(gtin),
                 std::move(name.value),
                 std::move(brand.value),
                 std::move(category.value),
                 version,
                 Instant{std::chrono::microseconds{updated_at}}};
}

std::optional<Shop> decode_shop(std::string_view bytes) {
  std::int64_t id{};
  std::int64_t version{};
  std::int64_t updated_at{};
  Text name;
  Text time_zone;
  if (!unseal(kShopKind, bytes, id, name, time_zone, version, updated_at)) return std::nullopt;
  return Shop{ShopId{id}, std::move(name.value), std::move(time_zone.value), version,
              Instant{std::chrono::microseconds{updated_at}}};
}

}  // namespace codasync::cache
