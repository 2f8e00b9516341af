#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace codasync::storage {

/// A value that an import takes from a column.
enum class ImportField {
  gtin,
  name,
  brand,
  category,
  shop,
  expiry_date,
  date_kind,
  quantity,
  kind,
  observed_at,
};

/// What a file contains.
enum class ImportKind { products, readings };

/// Returns: the name that options and messages use, as in the HTTP API but in lower case.
std::string_view name_of(ImportField field);
std::optional<ImportField> parse_import_field(std::string_view name);

/// Returns: whether an import of this kind has the field.
bool has_field(ImportKind kind, ImportField field);

/// Returns: the names of the fields of an import, for a message.
std::string field_names(ImportKind kind);

}  // namespace codasync::storage
