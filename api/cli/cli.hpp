#pragma once

namespace codasync::api::cli {

/// The program: reads the command line, then the settings, then does what the subcommand says.
/// Returns: its exit code: 0 done, 1 failed, 2 the command line or the settings are wrong.
int run(int argc, const char* const* argv);

}  // namespace codasync::api::cli
