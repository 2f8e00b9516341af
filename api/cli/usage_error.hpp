#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace codasync::api::cli {

/// Returns: what is wrong with a command line, what was probably meant, and which command explains
/// it. `root`: after its parse threw `error`.
std::string explain_usage(const CLI::App& root, const CLI::ParseError& error);

}  // namespace codasync::api::cli
