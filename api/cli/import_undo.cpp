#include "api/imports/import_undo.hpp"

#include <algorithm>
#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/progress.hpp"
#include "api/cli/writers.hpp"
#include "storage/import_trail.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api::cli {

int undo_import(const config::Settings& settings, const std::string& id) {
  const auto import = Uuid::parse(id);
  if (!import || !import->time()) {
    std::cerr << "codasync: \"" << id
              << "\" is not the id of an import. An import prints its id at its end, and the actor "
                 "of its changes in the audit and in histories ends with it.\n";
    return kMisused;
  }
  Writers writers{settings};
  const auto trail = storage::make_import_trail(settings.postgres);
  Progress progress;
  const auto undone = api::undo_import(
      *trail, writers.ledger(), writers.catalogue(),
      std::min(kImportInFlightMax, settings.combiner.lane_queue_max), *import,
      command_line(storage::actor_of_undo(kCommandLine, *import)), [&](std::size_t events) {
        progress.show([&] { return std::to_string(events) + " events"; });
      });
  progress.clear();
  if (undone.failed > 0) {
    std::cerr << "codasync: " << undone.failed << " events were not taken back: " << undone.failure
              << "\nRun the command again to take back the rest.\n";
    return kFailed;
  }
  if (undone.events == 0 && undone.products == 0) {
    std::cerr << "codasync: no import with this id has changed anything.\n";
    return kFailed;
  }
  trail->undone(*import);
  std::cerr << "Import " << to_string(*import) << ": " << undone.taken_back << " events taken back";
  if (undone.voided_before > 0) {
    std::cerr << ", " << undone.voided_before << " had been taken back before";
  }
  if (undone.refused > 0) {
    std::cerr << ", " << undone.refused
              << " cannot be taken back: they are before the floor of the ledger";
  }
  const auto& products = undone.restored;
  std::cerr << "; " << products.restored << " products restored, " << products.removed
            << " removed, " << products.changed_since << " stay because they were changed since, "
            << products.in_use << " stay because a shop has a reading of them.\n";
  return undone.refused > 0 ? kRefusedSome : kDone;
}

}  // namespace codasync::api::cli
