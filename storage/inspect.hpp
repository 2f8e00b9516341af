#pragma once

#include <string>

#include "storage/model/time.hpp"
#include "storage/options.hpp"

namespace codasync::storage {

/// The state of a database, for the operator who installs it.
struct DatabaseState {
  std::string server_version;
  int schema;           // number of the newest applied migration; 0: none
  int schema_expected;  // the newest migration of this program
  Instant clock;        // of the server, when it responded
  // Settings of this database and role, as PostgreSQL spells them. When one of these is off,
  // committed transactions can be lost.
  bool fsync;
  std::string synchronous_commit;
  bool has_standbys;      // synchronous_standby_names is set
  std::string isolation;  // default_transaction_isolation
};

/// Queries the database on a new connection. Throws: Unavailable.
DatabaseState inspect(const PostgresOptions& options);

}  // namespace codasync::storage
