#include "cache/codec.hpp"

#include <zlib.h>

#include <cassert>
#include <cereal/archives/portable_binary.hpp>
#include <cstdint>
#include <istream>
#include <limits>
#include <sstream>
#include <streambuf>

namespace codasync::cache {
namespace {

constexpr char kProductKind = 'P';
constexpr char kShopKind = 'S';
constexpr char kReadingKind = 'R';
constexpr char kNoReadingKind = 'N';

/// Of the body's layout.
constexpr char version_of(char kind) { return kind == kReadingKind ? 2 : 1; }

constexpr std::size_t kHeadBytes = 6;
constexpr char kLittleEndian = 1;
constexpr std::int64_t kGtinLimit = 100'000'000'000'000;

// The years 0001 to 9999 in microseconds since 1970: other times cannot be written
// (storage/model/time.hpp).
constexpr std::int64_t kInstantMin = -62'135'596'800'000'000;
constexpr std::int64_t kInstantEnd = 253'402'300'800'000'000;

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

/// Reads an octet that is 0 or 1. Throws: cereal::Exception for others, which encode() never
/// writes.
template <class Archive>
bool load_flag(Archive& archive) {
  std::uint8_t flag{};
  archive(flag);
  if (flag > 1) throw cereal::Exception{"not a flag"};
  return flag == 1;
}

/// A truth value in an octet.
struct Flag {
  bool value{false};

  template <class Archive>
  void save(Archive& archive) const {
    archive(static_cast<std::uint8_t>(value));
  }
  template <class Archive>
  void load(Archive& archive) {
    value = load_flag(archive);
  }
};

struct OptionalNumber {
  std::optional<std::int64_t> value;

  template <class Archive>
  void save(Archive& archive) const {
    archive(static_cast<std::uint8_t>(value.has_value()));
    if (value) archive(*value);
  }
  template <class Archive>
  void load(Archive& archive) {
    if (!load_flag(archive)) return;
    value.emplace();
    archive(*value);
  }
};

/// A date and its kind.
struct OptionalDate {
  std::optional<ShelfDate> value;
  bool valid{true};

  template <class Archive>
  void save(Archive& archive) const {
    const auto kind = !value ? 0 : value->kind ? 2 + static_cast<int>(*value->kind) : 1;
    archive(static_cast<std::uint8_t>(kind));
    if (value)
      archive(
          static_cast<std::int32_t>(std::chrono::sys_days{value->date}.time_since_epoch().count()));
  }
  template <class Archive>
  void load(Archive& archive) {
    std::uint8_t kind{};
    std::int32_t days{};
    archive(kind);
    if (kind == 0) return;
    archive(days);
    valid = kind <= 4 && days > 0 && days < kDaysMax;
    if (!valid) return;
    value = ShelfDate{std::chrono::sys_days{std::chrono::days{days}}, std::nullopt};
    if (kind > 1) value->kind = static_cast<DateKind>(kind - 2);
  }

 private:
  static constexpr std::int32_t kDaysMax = 2'932'897;  // the year 10000
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
    if (!load_flag(archive)) return;
    Text text;
    archive(text);
    value = std::move(text.value);
  }
};

std::int64_t number_of(Instant at) { return at.time_since_epoch().count(); }
std::optional<std::int64_t> number_of(const std::optional<Instant>& at) {
  return at ? std::optional{number_of(*at)} : std::nullopt;
}
bool is_instant(std::int64_t number) { return number >= kInstantMin && number < kInstantEnd; }
bool is_instant(const OptionalNumber& number) { return !number.value || is_instant(*number.value); }
Instant instant_of(std::int64_t number) { return Instant{std::chrono::microseconds{number}}; }
std::optional<Instant> instant_of(const std::optional<std::int64_t>& number) {
  return number ? std::optional{instant_of(*number)} : std::nullopt;
}

std::string checksum(std::string_view body) {
  const auto crc = static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
  std::string octets;
  for (int shift = 24; shift >= 0; shift -= 8) octets += static_cast<char>((crc >> shift) & 0xff);
  return octets;
}

/// Reads bytes where they are: a page has hundreds of rows.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view bytes) {
    char* const begin = const_cast<char*>(bytes.data());  // it only reads
    setg(begin, begin, begin + bytes.size());
  }
};

template <class... Fields>
std::string seal(char kind, const Fields&... fields) {
  std::ostringstream stream;
  cereal::PortableBinaryOutputArchive archive{
      stream, cereal::PortableBinaryOutputArchive::Options::LittleEndian()};
  archive(fields...);
  const std::string body = std::move(stream).str();
  return std::string{kind, version_of(kind)} + checksum(body) + body;
}

/// Returns: whether seal() made `bytes` of fields of these types. Then `fields` have the values.
template <class... Fields>
bool unseal(char kind, std::string_view bytes, Fields&... fields) {
  if (bytes.size() < kHeadBytes || bytes[0] != kind || bytes[1] != version_of(kind)) return false;
  const std::string_view body = bytes.substr(kHeadBytes);
  if (bytes.substr(2, 4) != checksum(body)) return false;
  if (body.empty() || body[0] != kLittleEndian) return false;  // cereal reads both orders
  ViewBuffer buffer{body};
  std::istream stream{&buffer};
  try {
    cereal::PortableBinaryInputArchive archive{stream};
    archive(fields...);
  } catch (const cereal::Exception&) {
    return false;  // shorter than its fields, or no value of one
  }
  return stream.peek() == std::istream::traits_type::eof();
}

}  // namespace

std::string encode(const Product& product) {
  return seal(kProductKind, product.gtin.number(), Text{product.name}, OptionalText{product.brand},
              OptionalText{product.category}, product.version, number_of(product.updated_at));
}

std::string encode(const Shop& shop) {
  return seal(kShopKind, shop.id.value(), Text{shop.name}, Text{shop.time_zone}, shop.version,
              number_of(shop.updated_at));
}

std::string encode(const ReadingRow& reading) {
  return seal(kReadingKind, reading.shop.value(), reading.gtin.number(), reading.id.value(),
              OptionalDate{reading.date}, OptionalNumber{reading.quantity}, reading.version,
              number_of(reading.observed_at), number_of(reading.updated_at),
              OptionalNumber{number_of(reading.checked_at)},
              OptionalNumber{number_of(reading.counted_at)}, Flag{reading.expired},
              OptionalNumber{number_of(reading.expires_at)});
}

std::string encode_no_reading(ShopId shop, Gtin gtin) {
  return seal(kNoReadingKind, shop.value(), gtin.number());
}

std::optional<Product> decode_product(std::string_view bytes) {
  std::int64_t gtin{};
  std::int64_t version{};
  std::int64_t updated_at{};
  Text name;
  OptionalText brand;
  OptionalText category;
  if (!unseal(kProductKind, bytes, gtin, name, brand, category, version, updated_at) || gtin < 0 ||
      gtin >= kGtinLimit || !is_instant(updated_at)) {
    return std::nullopt;
  }
  return Product{Gtin::from_number(gtin),
                 std::move(name.value),
                 std::move(brand.value),
                 std::move(category.value),
                 version,
                 instant_of(updated_at)};
}

std::optional<Shop> decode_shop(std::string_view bytes) {
  std::int64_t id{};
  std::int64_t version{};
  std::int64_t updated_at{};
  Text name;
  Text time_zone;
  if (!unseal(kShopKind, bytes, id, name, time_zone, version, updated_at) ||
      !is_instant(updated_at))
    return std::nullopt;
  return Shop{ShopId{id}, std::move(name.value), std::move(time_zone.value), version,
              instant_of(updated_at)};
}

std::optional<ReadingRow> decode_reading(std::string_view bytes) {
  std::int64_t shop{};
  std::int64_t gtin{};
  std::int64_t id{};
  OptionalDate date;
  OptionalNumber quantity;
  std::int64_t version{};
  std::int64_t observed_at{};
  std::int64_t updated_at{};
  OptionalNumber checked_at;
  OptionalNumber counted_at;
  Flag expired;
  OptionalNumber expires_at;
  if (!unseal(kReadingKind, bytes, shop, gtin, id, date, quantity, version, observed_at, updated_at,
              checked_at, counted_at, expired, expires_at) ||
      gtin < 0 || gtin >= kGtinLimit || !date.valid || !is_instant(observed_at) ||
      !is_instant(updated_at) || !is_instant(checked_at) || !is_instant(counted_at) ||
      !is_instant(expires_at))
    return std::nullopt;
  return ReadingRow{.id = ReadingId{id},
                    .shop = ShopId{shop},
                    .gtin = Gtin::from_number(gtin),
                    .date = date.value,
                    .quantity = quantity.value,
                    .version = version,
                    .observed_at = instant_of(observed_at),
                    .updated_at = instant_of(updated_at),
                    .checked_at = instant_of(checked_at.value),
                    .counted_at = instant_of(counted_at.value),
                    .expired = expired.value,
                    .expires_at = instant_of(expires_at.value)};
}

bool is_no_reading(std::string_view bytes, ShopId shop, Gtin gtin) {
  std::int64_t of_shop{};
  std::int64_t of_gtin{};
  return unseal(kNoReadingKind, bytes, of_shop, of_gtin) && of_shop == shop.value() &&
         of_gtin == gtin.number();
}

}  // namespace codasync::cache
