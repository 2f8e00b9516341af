#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/import/import.hpp"

// The options of an import as texts, for the command line (--max-refused) and over HTTP
// (max_refused).

namespace codasync::api {

// Each sets an option. Returns: why the text is no value of it; empty: it was set.
std::string set_map(storage::ImportOptions& options, storage::ImportKind kind,
                    const std::string& text);
std::string set_encoding(storage::ImportOptions& options, const std::string& text);
std::string set_max_refused(storage::ImportOptions& options, const std::string& text);
std::string set_shop(storage::ImportOptions& options, const std::string& text);
std::string set_date_format(storage::ImportOptions& options, const std::string& text);
std::string set_decimal(storage::ImportOptions& options, const std::string& text);
std::string set_lots(storage::ImportOptions& options, const std::string& text);

/// A sentence of an import that names options.
struct Advice {
  std::string text;
  std::vector<std::string_view> parameters;  // of the query that it names, each once
};

/// Returns: a sentence of the import, whose options are those of the command line, for a client of
/// the API: `--date-format DD.MM.YYYY` becomes `date_format=DD.MM.YYYY`.
Advice with_parameters(std::string_view sentence);

}  // namespace codasync::api
