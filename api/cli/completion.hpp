#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace codasync::api::cli {

/// The hidden command that the scripts of the shells call: its arguments are the words after the
/// program's name up to the cursor.
inline constexpr std::string_view kComplete = "__complete";

/// Returns: what the last of `words` can become, one candidate per line, with a tab and a
/// description; `:file` when it is the path of a file. Reads neither settings nor servers.
std::string complete(const CLI::App& root, const std::vector<std::string>& words);

/// Returns: the shells that have a script.
std::vector<std::string> completion_shells();

/// Returns: the script that adds completion to a shell. Requires: one of completion_shells().
std::string completion_script(const std::string& shell);

}  // namespace codasync::api::cli
