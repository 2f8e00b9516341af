#pragma once

#include "storage/postgres/connection.hpp"

namespace codasync::storage::postgres {

/// Waits until the synchronous standby, if one is configured, has everything that is committed now.
/// Call this before a response confirms a transaction after its COMMIT got no reply: the server
/// shows such a transaction also when its wait for the standby was cancelled. Throws: see
/// Connection; InDoubt when the standby does not confirm in time.
void await_standby(Connection& connection);

}  // namespace codasync::storage::postgres
