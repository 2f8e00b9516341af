#include "api/imports/import_undo.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "storage/reader.hpp"

namespace codasync::api {
namespace {

/// Voids the events of the import. Returns: the products of their readings.
std::set<Gtin> undo_events(storage::ImportTrail& trail, const Uuid& import,
                           const storage::Token& actor, ReadingWriter& writer,
                           const std::function<void(std::size_t)>& progress, ImportUndone& undone) {
  std::set<Gtin> products;
  std::optional from{storage::ImportTrail::EventCursor{}};
  while (from && !writer.token_revoked()) {
    const auto page = trail.events(import, *from);
    for (const auto& event : page.events) {
      ++undone.events;
      products.insert(event.gtin);
      if (event.voided) {
        ++undone.voided_before;
        continue;
      }
      storage::StockOperation operation{.shop = event.shop, .gtin = event.gtin, .actor = actor};
      operation.reading = event.reading;
      operation.kind = EventKind::void_event;
      operation.voids = event.event;
      operation.reason = "undo of import " + to_string(import);
      writer.write(std::move(operation), [](storage::Refused::Why) {});
    }
    progress(undone.events);
    from = page.next;
  }
  const auto counts = writer.finish();
  undone.taken_back = counts.applied + counts.kept;
  undone.refused = counts.refused;
  undone.failed = counts.failed;
  undone.failure = writer.failure();
  undone.token_revoked = writer.token_revoked();
  return products;
}

/// Takes back the changes of products. `seen`: those that the import recorded in shops.
void undo_products(storage::ImportTrail& trail, storage::CatalogueStore& catalogue,
                   const Uuid& import, const storage::Token& actor, std::set<Gtin> seen,
                   ImportUndone& undone) {
  std::vector<Gtin> products{seen.begin(), seen.end()};
  const auto undo = [&] {
    for (std::size_t begin = 0; begin < products.size(); begin += storage::kPageMax) {
      const auto end = std::min(begin + storage::kPageMax, products.size());
      undone.restored +=
          catalogue.undo_import(import,
                                {products.begin() + static_cast<std::ptrdiff_t>(begin),
                                 products.begin() + static_cast<std::ptrdiff_t>(end)},
                                actor);
    }
    products.clear();
  };
  undo();
  std::optional from{storage::ImportTrail::ProductCursor{}};
  while (from && !undone.restored.token_revoked) {
    const auto page = trail.products(import, *from);
    for (const auto gtin : page.products) {
      if (seen.insert(gtin).second) products.push_back(gtin);
    }
    undo();
    from = page.next;
  }
  undone.products = seen.size();
  undone.token_revoked = undone.restored.token_revoked;
}

}  // namespace

ImportUndone undo_import(storage::ImportTrail& trail, storage::StockLedger& ledger,
                         storage::CatalogueStore& catalogue, std::size_t in_flight_max,
                         const Uuid& import, const storage::Token& actor,
                         const std::function<void(std::size_t)>& progress) {
  ImportUndone undone;
  ReadingWriter writer{ledger, in_flight_max, actor};
  auto products = undo_events(trail, import, actor, writer, progress, undone);
  if (undone.complete())
    undo_products(trail, catalogue, import, actor, std::move(products), undone);
  return undone;
}

}  // namespace codasync::api
