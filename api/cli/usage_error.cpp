#include "api/cli/usage_error.hpp"

#include <algorithm>
#include <functional>

#include "api/cli/command_tree.hpp"

namespace codasync::api::cli {
namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string did_you_mean(const std::string& meant) {
  return meant.empty() ? std::string{} : " Did you mean " + quoted(meant) + "?";
}

/// Returns: the command that was called, as far as it was recognised.
const CLI::App& called(const CLI::App& root) {
  const CLI::App* command = &root;
  for (auto parsed = root.get_subcommands(); !parsed.empty(); parsed = command->get_subcommands())
    command = parsed.front();
  return *command;
}

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const auto* command : commands) names.push_back(command->get_name());
  return names;
}

/// Returns: the commands with this name, anywhere.
std::vector<std::string> named(const CLI::App& root, const std::string& name) {
  std::vector<std::string> found;
  const std::function<void(const CLI::App&)> search = [&](const CLI::App& at) {
    for (const auto* sub : commands_of(at)) {
      if (sub->get_name() == name) found.push_back(path_of(*sub));
      search(*sub);
    }
  };
  search(root);
  return found;
}

std::string unknown_option(const CLI::App& command, const std::string& word) {
  const auto name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const auto* option : options_of(command, true)) {
    for (auto& spelling : spellings_of(*option)) known.push_back(std::move(spelling));
  }
  return path_of(command) + " has no option " + quoted(name) + "." +
         did_you_mean(nearest(name, known));
}

std::string unknown_word(const CLI::App& root, const CLI::App& command, const std::string& word) {
  const auto known = names_of(commands_of(command));
  if (known.empty()) return path_of(command) + " takes no further argument: " + quoted(word) + ".";
  auto meant = word == "help" ? "--help" : nearest(word, known);
  if (meant.empty()) {
    const auto elsewhere = named(root, word);
    if (!elsewhere.empty()) meant = elsewhere.front();
  }
  return path_of(command) + " has no command " + quoted(word) + "." +
         (meant.empty() ? " It has " + list_of(known, "and") + "." : did_you_mean(meant));
}

/// Returns: the option or argument to which a message of CLI11 belongs: it begins with its name.
const CLI::Option* subject_of(const CLI::App& command, const std::string& message) {
  const CLI::Option* found = nullptr;
  for (const auto* at = &command; at != nullptr; at = at->get_parent()) {
    for (const auto* option : at->get_options()) {
      const auto name = option->get_name();
      // For a flag with a value it is the name without its hyphens.
      const bool flag = name.starts_with("--") && message.starts_with(name.substr(2) + " ");
      const bool matches = !name.empty() && (flag || message.find(name) != std::string::npos);
      if (matches && (found == nullptr || name.size() > found->get_name().size())) found = option;
    }
  }
  return found;
}

std::string missing(const CLI::App& command) {
  std::vector<std::string> needed;
  for (const auto* option : command.get_options()) {
    if (option->get_required() && option->count() == 0) needed.push_back(option->get_name());
  }
  if (!needed.empty()) return path_of(command) + " needs " + list_of(needed, "and") + ".";
  return path_of(command) + " needs a command: " + list_of(names_of(commands_of(command)), "or") +
         ".";
}

std::string needs(const CLI::App& command) {
  for (const auto* option : command.get_options()) {
    for (const auto* other : option->get_needs()) {
      if (option->count() > 0 && other->count() == 0)
        return option->get_name() + " needs " + other->get_name() + ".";
    }
    for (const auto* other : option->get_excludes()) {
      if (option->count() > 0 && other->count() > 0)
        return option->get_name() + " cannot be used with " + other->get_name() + ".";
    }
  }
  return "These options do not belong together.";
}

std::string wrong_count(const CLI::Option* option) {
  if (option == nullptr) return "An option has too many or too few values.";
  const auto name = option->get_name();
  if (!takes_value(*option)) return name + " takes no value.";
  if (option->count() > 1) return name + " can be given only once.";
  return name + " needs a value: " + name + " " + option->get_type_name() + ".";
}

std::string explain(const CLI::App& root, const CLI::App& command, const CLI::ParseError& error) {
  const auto words = root.remaining(true);
  const auto is_option = [](const std::string& word) {
    return word.size() > 1 && word.starts_with('-') && word != "--";
  };
  if (!commands_of(command).empty() && !words.empty() && !is_option(words.front()))
    return unknown_word(root, command, words.front());
  if (const auto option = std::ranges::find_if(words, is_option); option != words.end())
    return unknown_option(command, *option);
  const std::string message{error.what()};
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr) return message;
  if (const auto word = std::ranges::find_if(words, [](const auto& each) { return each != "--"; });
      word != words.end())
    return unknown_word(root, command, *word);
  const auto* subject = subject_of(command, message);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) return missing(command);
  if (dynamic_cast<const CLI::RequiresError*>(&error) != nullptr ||
      dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr)
    return needs(command);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) return wrong_count(subject);
  if (subject == nullptr) return "A value of the command line is not valid.";
  return subject->get_name() + ": " +
         quoted(subject->results().empty() ? "" : subject->results().back()) + " is not valid.";
}

}  // namespace

std::string explain_usage(const CLI::App& root, const CLI::ParseError& error) {
  const auto& command = called(root);
  return explain(root, command, error) + "\nRun `" + path_of(command) +
         " --help` for its commands and options.";
}

}  // namespace codasync::api::cli
