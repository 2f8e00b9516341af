#pragma once

#include <string>
#include <vector>

#include "storage/locks.hpp"

namespace codasync::storage::postgres {

/// Returns: array literals of the locks' numbers and of whether each is exclusive.
std::string numbers_of(const std::vector<Lock>& locks);
std::string modes_of(const std::vector<Lock>& locks);

/// Returns: a statement that takes advisory locks until the end of the transaction, in the order of
/// `locks`, waiting for each.
std::string wait_for_locks(const std::vector<Lock>& locks);

/// Returns: a query with one row, whether all were granted, and no waiting.
std::string try_locks(const std::vector<Lock>& locks);

}  // namespace codasync::storage::postgres
