#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"

namespace codasync::config {

inline constexpr std::string_view kVariablePrefix = "CODASYNC_";

/// How a value is written; decides which TOML types are accepted.
enum class Form { flag, count, bytes, duration, whole_seconds, secret, list, level };

/// Returns: what a value of this form has to be, for a sentence that begins with "it must be".
std::string_view rule_of(Form form);

/// A variable that hosting platforms set, understood where nobody says more.
struct Fallback {
  std::string_view variable;
  std::string (*adapt)(const std::string&);  // its value as the setting's
};

/// Everything there is to know about one setting.
struct Setting {
  std::string_view name;         // section.key
  std::string_view description;  // what it does and its range
  Form form;
  std::function<bool(Settings&, std::string_view)>
      parse;  // false: not of this form, nothing changed
  std::function<std::string(const Settings&)> print;
  std::vector<Fallback> fallbacks{};  // the first that is set counts

  [[nodiscard]] std::string_view section() const { return name.substr(0, name.find('.')); }
  [[nodiscard]] std::string_view key() const { return name.substr(name.find('.') + 1); }

  /// Returns: CODASYNC_POSTGRES_LOCK_TIMEOUT for postgres.lock_timeout.
  [[nodiscard]] std::string variable() const;
};

/// Returns: all settings. This is the one place that names them: loading, `codasync check` and the
/// test of example.toml follow it.
std::span<const Setting> settings_table();

}  // namespace codasync::config
