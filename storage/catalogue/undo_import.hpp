#pragma once

#include <vector>

#include "storage/catalogue/catalogue_writer.hpp"

namespace codasync::storage {

/// See CatalogueStore::undo_import.
CatalogueStore::UndoCounts undo_import(CatalogueWriter& writer, const Uuid& import,
                                       const std::vector<Gtin>& products, const Token& actor);

}  // namespace codasync::storage
