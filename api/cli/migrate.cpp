#include "storage/migrate.hpp"

#include <iostream>

#include "api/cli/commands.hpp"

namespace codasync::api::cli {

int migrate(const config::Settings& settings) {
  const auto applied = storage::migrate(settings.postgres);
  for (const auto& name : applied) std::cerr << "Applied migration: " << name << "\n";
  if (applied.empty()) std::cerr << "The schema is up to date.\n";
  return kDone;
}

}  // namespace codasync::api::cli
