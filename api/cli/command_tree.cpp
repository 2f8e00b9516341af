#include "api/cli/command_tree.hpp"

#include <algorithm>
#include <limits>

#include "storage/model/edit_distance.hpp"

namespace codasync::api::cli {

std::vector<const CLI::App*> commands_of(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& command, bool inherited) {
  std::vector<const CLI::Option*> all;
  for (const auto* at = &command; at != nullptr; at = inherited ? at->get_parent() : nullptr) {
    for (const auto* option : at->get_options()) {
      const bool help_again = at != &command && option == at->get_help_ptr();
      if (option->nonpositional() && !option->get_group().empty() && !help_again)
        all.push_back(option);
    }
  }
  return all;
}

std::vector<const CLI::Option*> arguments_of(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

std::string path_of(const CLI::App& command) {
  if (command.get_parent() == nullptr) return command.get_name();
  return path_of(*command.get_parent()) + " " + command.get_name();
}

std::vector<std::string> spellings_of(const CLI::Option& option) {
  std::vector<std::string> all;
  for (const auto& name : option.get_snames()) all.push_back("-" + name);
  for (const auto& name : option.get_lnames()) all.push_back("--" + name);
  return all;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string nearest(std::string_view text, const std::vector<std::string>& candidates) {
  const std::size_t most = std::max<std::size_t>(1, text.size() / 3);
  std::string best;
  auto best_distance = std::numeric_limits<std::size_t>::max();
  for (const auto& candidate : candidates) {
    const bool begins = text.size() >= 2 && candidate.starts_with(text);
    const auto distance = begins ? 1 : edit_distance(text, candidate);
    if (distance > most || distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string list_of(const std::vector<std::string>& words, std::string_view last) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += i + 1 == words.size() ? " " + std::string{last} + " " : ", ";
    list += words[i];
  }
  return list;
}

}  // namespace codasync::api::cli
