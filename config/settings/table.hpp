#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"

namespace codasync::config {

inline constexpr std::string_view kVariablePrefix = "CODASYNC_";

/// The text form of a value; it also decides which TOML types are accepted.
enum class Form { flag, count, bytes, duration, whole_seconds, secret, list, level };

/// Returns: the end of a sentence that begins with "it must be".
std::string_view rule_of(Form form);

/// A variable that hosting platforms set; it counts if the setting has no other value.
struct Fallback {
  std::string_view variable;
  std::string (*adapt)(const std::string&);  // converts its value to the setting's form
};

/// One setting.
struct Setting {
  std::string_view name;         // section.key
  std::string_view description;  // its purpose and range
  Form form;
  std::function<bool(Settings&, std::string_view)> parse;  // false: wrong form, nothing changed
  std::function<std::string(const Settings&)> print;
  std::vector<Fallback> fallbacks{};  // the first variable that is set counts

  [[nodiscard]] std::string_view section() const { return name.substr(0, name.find('.')); }
  [[nodiscard]] std::string_view key() const { return name.substr(name.find('.') + 1); }

  /// Returns: CODASYNC_POSTGRES_LOCK_TIMEOUT for postgres.lock_timeout.
  [[nodiscard]] std::string variable() const;
};

/// Returns: all settings. Loading, `codasync check` and the test of example.toml use this table.
std::span<const Setting> settings_table();

}  // namespace codasync::config
