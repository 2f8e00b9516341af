#include "storage/postgres/lock_statements.hpp"

#include "storage/postgres/arrays.hpp"

namespace codasync::storage::postgres {
namespace {

/// ` from …` with columns number and exclusive. unnest() in FROM yields the elements in their
/// order.
std::string from(const std::vector<Lock>& locks) {
  return " from unnest('" + numbers_of(locks) + "'::bigint[], '" + modes_of(locks) +
         "'::boolean[]) as locks (number, exclusive)";
}

constexpr const char* kTry =
    "case when exclusive then pg_try_advisory_xact_lock(number)"
    " else pg_try_advisory_xact_lock_shared(number) end";

}  // namespace

std::string numbers_of(const std::vector<Lock>& locks) {
  return array_of(locks, [](const Lock& lock) { return std::to_string(lock.name.number); });
}

std::string modes_of(const std::vector<Lock>& locks) {
  return array_of(locks,
                  [](const Lock& lock) { return lock.mode == LockMode::exclusive ? "t" : "f"; });
}

std::string wait_for_locks(const std::vector<Lock>& locks) {
  return "select case when exclusive then pg_advisory_xact_lock(number)"
         " else pg_advisory_xact_lock_shared(number) end" +
         from(locks);
}

std::string try_locks(const std::vector<Lock>& locks) {
  return std::string{"select bool_and("} + kTry + ")" + from(locks);
}

std::string try_each_lock(const std::vector<Lock>& locks) {
  return std::string{
             "select string_agg(number::text, ',') filter (where not granted) from (select"
             " number, "} +
         kTry + " as granted" + from(locks) + ") tried";
}

}  // namespace codasync::storage::postgres
