#pragma once

#include <vector>

#include "storage/catalogue/catalogue_writer.hpp"

namespace codasync::storage {

/// See CatalogueStore::import_products.
CatalogueStore::ImportCounts import_products(
    CatalogueWriter& writer, const std::vector<CatalogueStore::ImportedProduct>& products,
    const Token& actor);

/// See CatalogueStore::compare_products.
std::vector<CatalogueStore::ProductDifference> compare_products(
    postgres::Connection& connection, const std::vector<CatalogueStore::ImportedProduct>& products);

}  // namespace codasync::storage
