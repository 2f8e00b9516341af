#include "config/settings/settings.hpp"

#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "config/settings/table.hpp"
#include "storage/model/edit_distance.hpp"

namespace codasync::config {
namespace {

const Setting& nearest(std::string_view name) {
  return *std::ranges::min_element(
      settings_table(), {}, [&](const Setting& each) { return edit_distance(name, each.name); });
}

const Setting* find(std::string_view name) {
  const auto found = std::ranges::find(settings_table(), name, &Setting::name);
  return found == settings_table().end() ? nullptr : &*found;
}

/// Returns: a TOML value in the form of the environment, or nothing when its type does not match
/// the form of the setting.
std::optional<std::string> text_of(const toml::node& node, Form form) {
  switch (form) {
    case Form::flag:
      if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
      return std::nullopt;
    case Form::bytes:
      if (const auto* text = node.as_string()) return text->get();
      [[fallthrough]];
    case Form::count:
      if (const auto* number = node.as_integer()) return std::to_string(number->get());
      return std::nullopt;
    case Form::list: {
      if (!node.is_array()) return std::nullopt;
      std::string joined;
      for (const auto& element : *node.as_array()) {
        const auto* text = element.as_string();
        if (text == nullptr || text->get().empty() || text->get().find(',') != std::string::npos)
          return std::nullopt;
        joined.append(joined.empty() ? "" : ",").append(text->get());
      }
      return joined;
    }
    case Form::duration:
    case Form::whole_seconds:
    case Form::text:
    case Form::secret:
    case Form::level:
      if (const auto* text = node.as_string()) return text->get();
      return std::nullopt;
  }
  __builtin_unreachable();
}

std::string as_written(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

/// Fills `Loaded` from several sources, one after the other; a later one overrides an earlier one.
class Loader {
 public:
  void read_fallbacks(const Environment& environment);
  void read_file(const std::filesystem::path& file);
  void read_environment(const Environment& environment);
  Loaded finish() &&;

 private:
  void read_section(std::string_view section, const toml::table& keys);
  void assign(const Setting& setting, const std::optional<std::string>& text,
              std::string_view written, const std::string& source);
  [[nodiscard]] std::string source_of(const Setting& setting) const;
  void check();

  Loaded loaded_;
  std::map<std::string_view, std::string>
      sources_;  // by name; settings with their default are absent
};

void Loader::assign(const Setting& setting, const std::optional<std::string>& text,
                    std::string_view written, const std::string& source) {
  if (text && setting.parse(loaded_.settings, *text)) {
    sources_[setting.name] = source;
    return;
  }
  const bool secret = setting.form == Form::secret || written.find('@') != std::string_view::npos;
  const std::string_view value = secret ? "not shown" : written;
  loaded_.problems.push_back(std::string{setting.name}.append(" is ").append(value) + " (" +
                             source + "): it must be " + std::string{rule_of(setting.form)} + ".");
}

void Loader::read_fallbacks(const Environment& environment) {
  for (const auto& setting : settings_table()) {
    for (const auto& [variable, adapt] : setting.fallbacks) {
      const auto found = environment.find(std::string{variable});
      if (found == environment.end() || found->second.empty()) continue;
      assign(setting, adapt(found->second), found->second, found->first);
      break;
    }
  }
}

void Loader::read_file(const std::filesystem::path& file) {
  try {
    const toml::table root = toml::parse_file(file.string());
    for (const auto& [name, node] : root) {
      if (const auto* section = node.as_table()) {
        read_section(name.str(), *section);
      } else {
        loaded_.problems.push_back(std::string{name.str()} +
                                   " is outside of a section in the file; did you mean " +
                                   std::string{nearest(name.str()).name} + "?");
      }
    }
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    loaded_.problems.push_back(file.string() + (line > 0 ? " line " + std::to_string(line) : "") +
                               " cannot be read as TOML: " + std::string{error.description()});
  }
}

void Loader::read_section(std::string_view section, const toml::table& keys) {
  for (const auto& [key, node] : keys) {
    const std::string name = std::string{section}.append(".").append(key.str());
    if (const auto* setting = find(name)) {
      assign(*setting, text_of(node, setting->form), as_written(node), "file");
    } else {
      loaded_.problems.push_back(name + " is unknown; did you mean " +
                                 std::string{nearest(name).name} + "?");
    }
  }
}

void Loader::read_environment(const Environment& environment) {
  for (const auto& setting : settings_table()) {
    const auto variable = setting.variable();
    const auto found = environment.find(variable);
    if (found == environment.end() || found->second.empty()) continue;
    assign(setting, found->second, found->second, variable);
  }
  // Container platforms set variables with the same prefix, so only a name that is similar to a
  // setting's is reported.
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kVariablePrefix)) continue;
    const bool known = std::ranges::any_of(
        settings_table(), [&](const Setting& setting) { return setting.variable() == variable; });
    if (known) continue;  // two settings can have similar names
    for (const auto& setting : settings_table()) {
      if (edit_distance(variable, setting.variable()) <= 2) {
        loaded_.problems.push_back(variable + " is unknown; did you mean " + setting.variable() +
                                   "?");
        break;
      }
    }
  }
}

std::string Loader::source_of(const Setting& setting) const {
  const auto source = sources_.find(setting.name);
  return source == sources_.end() ? "default" : source->second;
}

void Loader::check() {
  for (const auto& setting : settings_table()) {
    for (const auto& check : setting.checks) {
      for (const auto& problem : check(loaded_.settings)) {
        loaded_.problems.push_back(std::string{setting.name} + " is " +
                                   setting.print(loaded_.settings) + " (" + source_of(setting) +
                                   "): " + problem + ".");
      }
    }
  }
}

Loaded Loader::finish() && {
  check();
  // The storage needs two facts of the cache: the database stores which slots may be filled.
  auto& memcached = loaded_.settings.memcached;
  loaded_.settings.postgres.cache_slots = memcached.servers.size();
  loaded_.settings.postgres.cache_entry_lifetime = memcached.entry_ttl + memcached.lease_ttl;
  // The cache needs one fact of the API.
  memcached.private_reads = !loaded_.settings.api.public_reads;
  // The history says which events the ledger would let staff take back.
  loaded_.settings.api.staff_void_time = loaded_.settings.combiner.staff_void_time;
  for (const auto& setting : settings_table()) {
    loaded_.effective.push_back({.name = std::string{setting.name},
                                 .value = setting.print(loaded_.settings),
                                 .source = source_of(setting)});
  }
  return std::move(loaded_);
}

}  // namespace

Environment environment_of_process() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Loaded load(const std::optional<std::filesystem::path>& file, const Environment& environment) {
  Loader loader;
  loader.read_fallbacks(environment);
  if (file) loader.read_file(*file);
  loader.read_environment(environment);
  return std::move(loader).finish();
}

}  // namespace codasync::config
