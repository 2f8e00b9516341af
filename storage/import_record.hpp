#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "storage/import/field.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"
#include "storage/model/uuid.hpp"
#include "storage/token.hpp"

namespace codasync::storage {

/// How an import ended.
enum class ImportOutcome {
  done,       // the file was read to its end; rows may have been refused
  stopped,    // before its end, by a limit or because it could not be read; earlier rows were taken
  cancelled,  // by its client, which closed the connection
  failed,     // a server failed
};

/// Returns: `products` or `stock-readings`, as in the address and the command.
std::string_view name_of(ImportKind kind);
/// Returns: `done`, `stopped`, `cancelled` or `failed`.
std::string_view name_of(ImportOutcome outcome);

/// The rows of an import.
struct ImportTally {
  std::size_t rows{0};  // read
  std::size_t refused{0};
  std::size_t created{0};    // products or readings that were absent
  std::size_t changed{0};    // others that changed
  std::size_t unchanged{0};  // rows that changed nothing

  ImportTally& operator+=(const ImportTally& other);
};

/// An import that wrote, or began to.
struct ImportRecord {
  Uuid id;
  std::string kind;
  TokenId token;      // kOperator for the command line
  std::string actor;  // the name of the token
  Instant started_at;
  std::optional<Instant> ended_at;     // nullopt: it runs, or its process ended before it
  std::optional<std::string> outcome;  // the same
  ImportTally tally;                   // of its end
  std::optional<Instant> undone_at;
};

}  // namespace codasync::storage
