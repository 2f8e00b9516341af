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
enum class Form { flag, count, bytes, duration, whole_seconds, text, secret, list, level };

/// Returns: the end of a sentence that begins with "it must be".
std::string_view rule_of(Form form);

/// A variable that hosting platforms set; it counts if the setting has no other value.
struct Fallback {
  std::string_view variable;
  std::string (*adapt)(const std::string&);  // converts its value to the setting's form
};

/// The declaration of one setting. Everything that names settings is made from it: the file, the
/// environment, the checks, config/example.toml and the table of config/README.md.
struct Setting {
  /// Returns: the ends of sentences that begin with "<name> is <value>: ", one for each rule that
  /// the value does not fulfil.
  using Check = std::function<std::vector<std::string>(const Settings&)>;

  std::string_view name;  // section.key
  std::string_view text;  // its purpose, without the last full stop
  Form form;
  std::string default_value;                               // parse() accepts it
  std::function<bool(Settings&, std::string_view)> parse;  // false: wrong form, nothing changed
  std::function<std::string(const Settings&)> print;       // secrets are masked
  std::string range{};                                     // such as "1 to 1000"; empty: no range
  std::vector<Check> checks{};
  std::vector<Fallback> fallbacks{};  // the first variable that is set counts

  /// Returns: its purpose, its range and its fallbacks, in sentences.
  [[nodiscard]] std::string description() const;

  /// Returns: CODASYNC_POSTGRES_LOCK_TIMEOUT for postgres.lock_timeout.
  [[nodiscard]] std::string variable() const;
};

/// Returns: all settings, those of a section together.
std::span<const Setting> settings_table();

}  // namespace codasync::config
