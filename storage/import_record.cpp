#include "storage/import_record.hpp"

namespace codasync::storage {

std::string_view name_of(ImportKind kind) {
  return kind == ImportKind::products ? "products" : "stock-readings";
}

std::string_view name_of(ImportOutcome outcome) {
  switch (outcome) {
    case ImportOutcome::done:
      return "done";
    case ImportOutcome::stopped:
      return "stopped";
    case ImportOutcome::cancelled:
      return "cancelled";
    case ImportOutcome::failed:
      return "failed";
  }
  __builtin_unreachable();
}

ImportTally& ImportTally::operator+=(const ImportTally& other) {
  rows += other.rows;
  refused += other.refused;
  created += other.created;
  changed += other.changed;
  unchanged += other.unchanged;
  return *this;
}

}  // namespace codasync::storage
