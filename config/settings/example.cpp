#include "config/settings/example.hpp"

#include <sstream>

#include "config/settings/table.hpp"
#include "config/settings/values.hpp"

namespace codasync::config {
namespace {

constexpr std::string_view kPurpose =
    "All settings of CodaSync with their defaults. Copy the ones to change; `codasync check` "
    "prints the values in force.";
constexpr std::string_view kForms =
    "A variable of the environment overrides each setting: postgres.lock_timeout is "
    "CODASYNC_POSTGRES_LOCK_TIMEOUT. A list is written with commas there, an empty one as none. "
    "Durations have a unit (ms, s, min, h, d); sizes may have one (KB, MB, GB of 1000, KiB, MiB, "
    "GiB of 1024).";

/// Returns: the text as comment lines.
std::string commented(std::string_view text) {
  constexpr std::size_t kColumns = 100;
  std::istringstream words{std::string{text}};
  std::string lines;
  std::string line{"#"};
  for (std::string word; words >> word; line.append(" ").append(word)) {
    if (line.size() + 1 + word.size() <= kColumns) continue;
    lines.append(line).append("\n");
    line = "#";
  }
  return lines.append(line).append("\n");
}

std::string in_quotes(std::string_view text) { return "\"" + std::string{text} + "\""; }

std::string toml_of(const Setting& setting) {
  switch (setting.form) {
    case Form::flag:
    case Form::count:
      return setting.default_value;
    case Form::list:
      if (setting.default_value == print(std::vector<std::string>{})) return "[]";
      return "[" + in_quotes(setting.default_value) + "]";  // no default has several elements
    case Form::bytes:
    case Form::duration:
    case Form::whole_seconds:
    case Form::text:
    case Form::secret:
    case Form::level:
      return in_quotes(setting.default_value);
  }
  __builtin_unreachable();
}

}  // namespace

std::string example_toml() {
  std::string text = commented(kPurpose) + "#\n" + commented(kForms);
  std::string_view section;
  for (const auto& setting : settings_table()) {
    const auto dot = setting.name.find('.');
    if (setting.name.substr(0, dot) != section) {
      section = setting.name.substr(0, dot);
      text.append("\n[").append(section).append("]\n");
    }
    text.append(commented(setting.description()));
    text.append(setting.name.substr(dot + 1)).append(" = ").append(toml_of(setting)).append("\n");
  }
  return text;
}

}  // namespace codasync::config
