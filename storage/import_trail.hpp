#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/import_record.hpp"
#include "storage/model/gtin.hpp"

// What an import wrote. An import has an id, a UUID of version 7 of the time of its start. The id
// is a part of the actor of everything that the import writes, so the history of a reading and the
// audit show it. No token can have such a name (is_name_of_import()).

namespace codasync::storage {

/// Returns: `command line, import 0193…`.
std::string actor_of_import(const std::string& actor, const Uuid& import);

/// Returns: `command line, undo of import 0193…`.
std::string actor_of_undo(const std::string& actor, const Uuid& import);

/// Returns: the import that wrote under this actor; nullopt: none.
std::optional<Uuid> import_of_actor(const std::string& actor);

/// Returns: the import that was taken back under this actor; nullopt: none.
std::optional<Uuid> undone_by_actor(const std::string& actor);

/// Returns: whether what a token of this name writes would be taken for the work of an import, or
/// of its undo. No token may have such a name.
bool is_name_of_import(const std::string& name);

/// An event of an import.
struct ImportedEvent {
  ReadingId reading;
  ShopId shop;
  Gtin gtin;
  EventId event;
  bool voided;
};

/// Records imports, and finds what they wrote. Each call is one statement over a bounded part of
/// the database. Throws: Unavailable. Threads: one at a time.
class ImportTrail {
 public:
  virtual ~ImportTrail() = default;

  /// Records the start of an import, before it writes anything.
  virtual void begin(const Uuid& import, ImportKind kind, const Token& actor) = 0;
  /// Records the end of an import that begin() has recorded.
  virtual void end(const Uuid& import, ImportOutcome outcome, const ImportTally& tally) = 0;
  /// Records that an import was taken back; one that was not recorded is left out.
  virtual void undone(const Uuid& import) = 0;

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
