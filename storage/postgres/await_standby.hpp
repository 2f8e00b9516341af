#pragma once

#include "storage/postgres/connection.hpp"

namespace codasync::storage::postgres {

/// Returns once a synchronous standby, where there is one, has all that is committed at this
/// moment. Who finds a transaction committed whose COMMIT was never answered has to wait for this
/// before it tells anybody: the server shows it also when its wait for the standby was cut short.
/// Throws: see Connection; InDoubt when it does not happen in time.
void await_standby(Connection& connection);

}  // namespace codasync::storage::postgres
