#pragma once

#include <cstddef>
#include <functional>

#include "api/imports/reading_writer.hpp"
#include "storage/catalogue_store.hpp"
#include "storage/import_trail.hpp"

namespace codasync::api {

/// What became of the events and products of an import.
struct ImportUndone {
  std::size_t events{0};         // of the import
  std::size_t taken_back{0};     // of these, now
  std::size_t voided_before{0};  // of these
  std::size_t refused{0};        // of these: too old, or of a deleted shop or product
  std::size_t failed{0};         // of these; then no product was taken back
  std::string failure;           // the cause of the last one, for the log
  std::size_t products{0};       // of the import
  storage::CatalogueStore::UndoCounts restored;
  bool token_revoked{false};  // the rest was not taken back

  [[nodiscard]] bool complete() const noexcept { return failed == 0 && !token_revoked; }
};

/// Takes back what an import wrote: voids its events, then restores its products. It can be
/// repeated. `actor`: as actor_of_undo() names it. `progress`: gets the number of events that were
/// found so far; an exception of it ends the undo. Throws: Unavailable, InDoubt.
ImportUndone undo_import(storage::ImportTrail& trail, storage::StockLedger& ledger,
                         storage::CatalogueStore& catalogue, std::size_t in_flight_max,
                         const Uuid& import, const storage::Token& actor,
                         const std::function<void(std::size_t)>& progress);

}  // namespace codasync::api
