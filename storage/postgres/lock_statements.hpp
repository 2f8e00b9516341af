#pragma once

#include <string>
#include <vector>

#include "storage/locks.hpp"

namespace codasync::storage::postgres {

/// Returns: array literals with the number of each lock, and with whether it is exclusive.
std::string numbers_of(const std::vector<Lock>& locks);
std::string modes_of(const std::vector<Lock>& locks);

/// Returns: a statement that waits for and takes advisory locks until the end of the transaction,
/// in the order of `locks`.
std::string wait_for_locks(const std::vector<Lock>& locks);

/// Returns: a query that tries all locks without waiting. Its one row: whether all were granted.
std::string try_locks(const std::vector<Lock>& locks);

/// The same. Its one value: the numbers of the locks that were not granted, such as `1,2`; or null.
std::string try_each_lock(const std::vector<Lock>& locks);

}  // namespace codasync::storage::postgres
