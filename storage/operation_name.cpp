#include "storage/operation_name.hpp"

#include <array>
#include <span>
#include <string>

#include "storage/sha256.hpp"

namespace codasync::storage {
namespace {

/// Collects the fields of a name; each ends with a zero byte.
class Name {
 public:
  explicit Name(std::string_view source) { add("codasync").add(source); }

  Name& add(std::string_view field) {
    text_.append(field).push_back('\0');
    return *this;
  }
  Name& add(std::int64_t number) { return add(std::to_string(number)); }

  [[nodiscard]] Uuid id() const {
    const auto digest = sha256(text_);
    return Uuid::v8(std::span{digest}.first<16>());
  }

 private:
  std::string text_;
};

}  // namespace

bool is_name(const Uuid& id) { return id.bytes[6] >> 4U == 8; }

Uuid name_of_key(TokenId token, std::string_view key) {
  return Name{"key"}.add(token.value()).add(key).id();
}

Uuid name_of_operation(const Uuid& device, const Uuid& operation) {
  return Name{"operation"}.add(to_string(device)).add(to_string(operation)).id();
}

Uuid name_of_item(TokenId token, std::string_view id) {
  return Name{"item"}.add(token.value()).add(id).id();
}

Uuid name_of_row(ShopId shop, Gtin gtin, const Event& row) {
  const bool has_kind = row.date && row.date->kind;
  return Name{"row"}
      .add(shop.value())
      .add(gtin.number())
      .add(name_of(row.kind))
      .add(row.observed_at.time_since_epoch().count())
      .add(row.date ? to_string(row.date->date) : "")
      .add(has_kind ? name_of(*row.date->kind) : "")
      .add(row.quantity ? std::to_string(*row.quantity) : "")
      .id();
}

Uuid name_of_repetition(EventId event) { return Name{"again"}.add(to_string(event)).id(); }

}  // namespace codasync::storage
