#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cache/cache.hpp"
#include "storage/reader.hpp"

namespace codasync::cache {

/// Reads rows through the cache, each under its own key (codec.hpp). Returns: those that exist.
/// That a shop has no reading of a product is stored too, where both exist: so the entries are at
/// most as many as pairs of shops and products. Throws: what the database throws.
storage::Rows read_rows(Cache& cache, const storage::RowKeys& keys);

/// What an entry contains, for a comparison of the whole cache.
struct ExpectedRow {
  std::vector<storage::Lock> locks;
  storage::RowKeys keys;  // one
};

/// Returns: the locks and the keys of the row whose entry has this key; nothing for other keys.
std::optional<ExpectedRow> row_of(const Key& key);

/// Returns: the entry for the only row of `keys`; nothing for a shop or a product that does not
/// exist. `rows`: what the database returned for them.
std::optional<std::string> entry_of(const storage::RowKeys& keys, const storage::Rows& rows);

}  // namespace codasync::cache
