#include <algorithm>
#include <iostream>
#include <set>

#include "api/cli/commands.hpp"
#include "api/cli/progress.hpp"
#include "api/cli/reading_writer.hpp"
#include "api/cli/writers.hpp"
#include "storage/import_trail.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api::cli {
namespace {

constexpr std::size_t kInFlightMax = 1024;

struct UndoneEvents {
  std::size_t found{0};
  std::size_t voided_before{0};
  std::set<Gtin> products;
  ReadingWriter::Counts counts;
};

/// Voids the events of the import.
UndoneEvents undo_events(storage::ImportTrail& trail, const Uuid& import, ReadingWriter& writer,
                         Progress& progress) {
  UndoneEvents undone;
  std::optional from{storage::ImportTrail::EventCursor{}};
  while (from) {
    const auto page = trail.events(import, *from);
    for (const auto& event : page.events) {
      ++undone.found;
      undone.products.insert(event.gtin);
      progress.show([&] { return std::to_string(undone.found) + " events"; });
      if (event.voided) {
        ++undone.voided_before;
        continue;
      }
      storage::StockOperation operation{
          .shop = event.shop, .gtin = event.gtin, .actor = command_line()};
      operation.reading = event.reading;
      operation.kind = EventKind::void_event;
      operation.voids = event.event;
      operation.reason = "undo of import " + to_string(import);
      writer.write(std::move(operation), [](storage::Refused::Why) {});
    }
    from = page.next;
  }
  undone.counts = writer.finish();
  return undone;
}

/// Takes back the changes of products. `seen`: those that the import recorded in shops. Returns:
/// the number of all products of the import, and what became of them.
std::pair<std::size_t, storage::CatalogueStore::UndoCounts> undo_products(
    storage::ImportTrail& trail, storage::CatalogueStore& catalogue, const Uuid& import,
    const storage::Token& actor, std::set<Gtin> seen) {
  storage::CatalogueStore::UndoCounts counts;
  std::vector<Gtin> products{seen.begin(), seen.end()};
  const auto undo = [&] {
    for (std::size_t begin = 0; begin < products.size(); begin += storage::kPageMax) {
      const auto end = std::min(begin + storage::kPageMax, products.size());
      counts += catalogue.undo_import(import,
                                      {products.begin() + static_cast<std::ptrdiff_t>(begin),
                                       products.begin() + static_cast<std::ptrdiff_t>(end)},
                                      actor);
    }
    products.clear();
  };
  undo();
  std::optional from{storage::ImportTrail::ProductCursor{}};
  while (from) {
    const auto page = trail.products(import, *from);
    for (const auto gtin : page.products) {
      if (seen.insert(gtin).second) products.push_back(gtin);
    }
    undo();
    from = page.next;
  }
  return {seen.size(), counts};
}

}  // namespace

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
  const auto actor = command_line(storage::actor_of_undo(kCommandLine, *import));
  Progress progress;
  ReadingWriter writer{writers.ledger(), std::min(kInFlightMax, settings.combiner.lane_queue_max),
                       actor};
  const auto events = undo_events(*trail, *import, writer, progress);
  progress.clear();
  if (events.counts.failed > 0) {
    std::cerr << "codasync: " << events.counts.failed
              << " events were not taken back: " << writer.failure()
              << "\nRun the command again to take back the rest.\n";
    return kFailed;
  }
  const auto [products, undone] =
      undo_products(*trail, writers.catalogue(), *import, actor, events.products);
  if (events.found == 0 && products == 0) {
    std::cerr << "codasync: no import with this id has changed anything.\n";
    return kFailed;
  }
  std::cerr << "Import " << to_string(*import) << ": " << events.counts.applied + events.counts.kept
            << " events taken back";
  if (events.voided_before > 0) {
    std::cerr << ", " << events.voided_before << " had been taken back before";
  }
  if (events.counts.refused > 0) {
    std::cerr << ", " << events.counts.refused
              << " cannot be taken back: they are before the floor of the ledger";
  }
  std::cerr << "; " << undone.restored << " products restored, " << undone.removed << " removed, "
            << undone.changed_since << " stay because they were changed since, " << undone.in_use
            << " stay because a shop has a reading of them.\n";
  return events.counts.refused > 0 ? kRefusedSome : kDone;
}

}  // namespace codasync::api::cli
