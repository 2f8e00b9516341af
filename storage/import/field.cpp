#include "storage/import/field.hpp"

#include <algorithm>
#include <array>

namespace codasync::storage {
namespace {

struct Known {
  ImportField field;
  std::string_view name;
  bool of_products;
  bool of_readings;
};

constexpr std::array kFields{
    Known{ImportField::gtin, "gtin", true, true},
    Known{ImportField::name, "name", true, true},
    Known{ImportField::brand, "brand", true, false},
    Known{ImportField::category, "category", true, false},
    Known{ImportField::shop, "shop", false, true},
    Known{ImportField::expiry_date, "expiry_date", false, true},
    Known{ImportField::date_kind, "date_kind", false, true},
    Known{ImportField::quantity, "quantity", false, true},
    Known{ImportField::kind, "kind", false, true},
    Known{ImportField::observed_at, "observed_at", false, true},
};

}  // namespace

std::string_view name_of(ImportField field) {
  return std::ranges::find(kFields, field, &Known::field)->name;
}

std::optional<ImportField> parse_import_field(std::string_view name) {
  const auto found = std::ranges::find(kFields, name, &Known::name);
  return found == kFields.end() ? std::nullopt : std::optional{found->field};
}

bool has_field(ImportKind kind, ImportField field) {
  const auto& known = *std::ranges::find(kFields, field, &Known::field);
  return kind == ImportKind::products ? known.of_products : known.of_readings;
}

std::string field_names(ImportKind kind) {
  std::string names;
  for (const auto& known : kFields) {
    if (!has_field(kind, known.field)) continue;
    if (!names.empty()) names += ", ";
    names += known.name;
  }
  return names;
}

}  // namespace codasync::storage
