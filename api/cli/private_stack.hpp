#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "config/settings/settings.hpp"

namespace codasync::api::cli {

/// The stack that config/up has started: its settings file, and the values of its file `env`.
struct PrivateStack {
  std::filesystem::path settings;
  std::map<std::string, std::string> env;

  /// Returns: a value of `env`; empty when it has none.
  [[nodiscard]] std::string value(const std::string& name) const;
};

/// Returns: the stack in `.run` of this folder or of one above it; nothing without one, or when it
/// belongs to another user: a command must not use the settings of a folder only because it is
/// called there. The stack of root belongs to the user `codasync`.
std::optional<PrivateStack> find_private_stack();

/// Returns: whether the environment has a setting of the program, so that no stack is searched.
bool has_settings(const config::Environment& environment);

}  // namespace codasync::api::cli
