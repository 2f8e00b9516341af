#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "storage/import/byte_source.hpp"
#include "storage/import/import.hpp"
#include "storage/model/gtin.hpp"
#include "storage/model/reading.hpp"

// Reads an export of events back (storage/export.hpp).

namespace codasync::storage {

/// The events of one reading, in the order of the ledger.
struct EventsOfReading {
  std::size_t line;  // of the first one
  ShopId shop;
  Gtin gtin;
  std::vector<HistoryEntry> events{};  // without the reading's id
};

/// More events of one reading are refused: they are written in one transaction.
inline constexpr std::size_t kEventsOfReadingMax = 100'000;

/// The receiver of the events of a file, in the order of the file. Threads: the importing one; an
/// exception ends the import.
struct EventSink {
  std::function<void(EventsOfReading)> reading;
  std::function<void(const RowRefusal&)> refused;
};

/// Reads CSV with all columns of such an export, in any order, also packed with gzip. A reading of
/// which an event is refused is not delivered: each of its rows is refused. Events that are not in
/// the order of the ledger, or that contradict each other, refuse their reading. Returns: the rows,
/// or why the file was not read, or not to its end.
Outcome<ImportCounts, FileRefusal> read_events(ByteSource& bytes, const EventSink& sink);

}  // namespace codasync::storage
