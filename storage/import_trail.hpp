#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/uuid.hpp"

// What an import wrote. An import has an id, a UUID of version 7 of the time of its start. The id
// is a part of the actor of everything that the import writes, so the history of a reading and the
// audit show it, and no table is needed to find it again.

namespace codasync::storage {

/// Returns: `command line, import 0193…`.
std::string actor_of_import(const std::string& actor, const Uuid& import);

/// Returns: `command line, undo of import 0193…`.
std::string actor_of_undo(const std::string& actor, const Uuid& import);

/// Returns: the import that wrote under this actor; nullopt: none.
std::optional<Uuid> import_of_actor(const std::string& actor);

/// Returns: the import that was taken back under this actor; nullopt: none.
std::optional<Uuid> undone_by_actor(const std::string& actor);

/// An event of an import.
struct ImportedEvent {
  ReadingId reading;
  ShopId shop;
  Gtin gtin;
  EventId event;
  bool voided;
};

/// Finds what an import wrote. Each call is one statement over a bounded part of the database.
/// Throws: Unavailable. Threads: one at a time.
class ImportTrail {
 public:
  virtual ~ImportTrail() = default;

  /// The position of a page; {} is the first one.
  struct EventCursor {
    std::int64_t reading{0};
  };
  struct EventPage {
    std::vector<ImportedEvent> events;  // may be empty although others follow
    std::optional<EventCursor> next;    // nullopt: this is the last page
  };
  /// Returns: the events of the import, without voids.
  virtual EventPage events(const Uuid& import, EventCursor from) = 0;

  struct ProductCursor {
    std::int64_t at{0};  // microseconds since 1970; 0: the start of the import
    std::int64_t entry{0};
  };
  struct ProductPage {
    std::vector<Gtin> products;  // a product can be in several pages, and several times in one
    std::optional<ProductCursor> next;
  };
  /// Returns: the products that the import created or changed.
  virtual ProductPage products(const Uuid& import, ProductCursor from) = 0;
};

}  // namespace codasync::storage
