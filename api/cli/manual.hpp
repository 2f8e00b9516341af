#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace codasync::api::cli {

/// The meanings of the exit status, for help and manual.
inline constexpr const char* kExitStatuses =
    "Exit status: 0 done; 1 failed, or problems were found; 2 the command line or the settings are "
    "not valid; 3 an import was done, but rows were refused.";

/// Returns: the manual page of the program (man(7)), made from its commands.
std::string manual_page(const CLI::App& root, const std::string& version);

}  // namespace codasync::api::cli
