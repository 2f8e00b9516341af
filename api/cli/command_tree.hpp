#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

// The commands of the program, as they were added to CLI11. Help, errors, completion and the
// manual are made from this one table.

namespace codasync::api::cli {

/// Returns: the commands below this one that are shown.
std::vector<const CLI::App*> commands_of(const CLI::App& command);

/// Returns: its options that are shown, without positional arguments; with `inherited` also those
/// of the commands above, which may be given after it.
std::vector<const CLI::Option*> options_of(const CLI::App& command, bool inherited);

/// Returns: its positional arguments, in order.
std::vector<const CLI::Option*> arguments_of(const CLI::App& command);

/// Returns: the words that call it, such as `codasync token create`.
std::string path_of(const CLI::App& command);

/// Returns: all spellings of an option, such as `--config`.
std::vector<std::string> spellings_of(const CLI::Option& option);

/// Returns: whether a value follows the option.
bool takes_value(const CLI::Option& option);

/// Returns: the candidate that was probably meant; empty when none is similar.
std::string nearest(std::string_view text, const std::vector<std::string>& candidates);

/// Returns: `a, b or c`.
std::string list_of(const std::vector<std::string>& words, std::string_view last);

}  // namespace codasync::api::cli
