#pragma once

#include <string>

namespace codasync::config {

/// Returns: a settings file with every setting, its description and its default.
std::string example_toml();

}  // namespace codasync::config
