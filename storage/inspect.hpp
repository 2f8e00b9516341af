#pragma once

#include <string>

#include "storage/model/time.hpp"
#include "storage/options.hpp"

namespace codasync::storage {

/// What a person who sets a database up wants to know of it.
struct DatabaseState {
  std::string server_version;
  int schema;         // number of the newest migration that was applied; 0: none
  int schema_wanted;  // by this program
  Instant clock;      // of the server, while it answered
  // What loses committed transactions when it is off, as it is set for this database and role.
  bool fsync;
  bool synchronous_commit;
};

/// Asks the database, on a connection of its own. Throws: Unavailable.
DatabaseState inspect(const PostgresOptions& options);

}  // namespace codasync::storage
