#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "storage/import/field.hpp"

// The column names of other systems, in eight languages: one table, in header_names.cpp.

namespace codasync::storage {

/// The meaning of a column name in the table.
struct HeaderMeaning {
  enum class Kind {
    field,           // it holds `field`
    maybe_gtin,      // a GTIN or a number of the seller's own: the values decide
    maybe_name,      // the name, or, if another column has the name, the number of the article
    maybe_shop,      // a shop, or a place inside one; a number can be an id of the other system
    maybe_quantity,  // a quantity, or whether there is any, or the unit
    known_unused,    // known, and never part of an import
  };
  Kind kind;
  ImportField field{};     // not of known_unused
  std::size_t preference;  // lower: preferred when several columns hold the same field
};

/// Returns: the header in lower case without accents, blanks and punctuation: two headers that
/// differ only in these are the same.
std::string plain_header(std::string_view header);

/// Returns: the meaning of a header, also of one with a note in brackets after the name, such as
/// "Quantity (pcs)"; nullopt for an unknown one.
std::optional<HeaderMeaning> meaning_of(std::string_view header);

/// Returns: the field that an unknown header seems to name by one of its words (a GTIN, a name, a
/// date or a quantity); nullopt: none.
std::optional<ImportField> field_suggested_by(std::string_view header);

}  // namespace codasync::storage
