#include "storage/options.hpp"

#include <stdexcept>

#include "storage/postgres/connection.hpp"

namespace codasync::storage {

std::optional<std::string> problem_of_url(const Secret& url) try {
  PostgresOptions options;
  options.url = url;
  postgres::connection_string(options);
  return std::nullopt;
} catch (const std::invalid_argument& error) {
  return error.what();
}

}  // namespace codasync::storage
