#pragma once

#include <CLI/CLI.hpp>

#include "api/cli/commands.hpp"

namespace codasync::api::cli {

/// Adds the files of an import, and where its refused rows go.
void add_files_option(CLI::App& command, ImportRequest& request);

/// Adds the files and the options of an import of this kind to a subcommand; parsing fills
/// `request`. Requires: `request` outlives the parsing.
void add_import_options(CLI::App& command, storage::ImportKind kind, ImportRequest& request);

}  // namespace codasync::api::cli
