#pragma once

#include <span>
#include <string_view>

#include "storage/migrate.hpp"

namespace codasync::storage::embedded {

// Defined in a file that embed_sql.cmake writes at build time.
extern const std::span<const Migration> kMigrations;
extern const std::string_view kGrants;

}  // namespace codasync::storage::embedded
