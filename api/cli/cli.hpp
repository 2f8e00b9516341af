#pragma once

namespace codasync::api::cli {

/// Runs the program: reads the command line and the settings, then runs the subcommand.
/// Returns: the exit status: 0 done, 1 failed, 2 the command line or the settings are not valid, 3
/// an import was done, but rows were refused (commands.hpp).
int run(int argc, const char* const* argv);

}  // namespace codasync::api::cli
