#include "api/cli/completion.hpp"

#include <algorithm>
#include <map>

#include "api/cli/command_tree.hpp"
#include "api/cli/option_checks.hpp"

namespace codasync::api::cli {
namespace {

constexpr const char* kFile = ":file\n";

// The word before the cursor is the last argument. A candidate and its description are separated
// by a tab. Bash splits words at `=`.
constexpr const char* kBash = R"(# codasync: completion for bash
_codasync() {
  local line
  local -a lines
  mapfile -t lines < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=()
  if [[ ${lines[0]-} == :file ]]; then
    compopt -o default
    return
  fi
  for line in "${lines[@]}"; do
    COMPREPLY+=("${line%%$'\t'*}")
  done
}
complete -F _codasync codasync
)";

constexpr const char* kZsh = R"(#compdef codasync
# codasync: completion for zsh
_codasync() {
  local line
  local -a lines candidates
  lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${lines[1]} == :file ]]; then
    _files
    return
  fi
  for line in "${lines[@]}"; do
    [[ -z $line ]] || candidates+=("${line//$'\t'/:}")
  done
  _describe codasync candidates
}
if [[ ${funcstack[1]} == _codasync ]]; then
  _codasync "$@"
else
  compdef _codasync codasync
fi
)";

constexpr const char* kFish = R"(# codasync: completion for fish
function __codasync_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l program $words[1]
    $program __complete $words[2..-1] (commandline --current-token --cut-at-cursor) 2>/dev/null
end
function __codasync_candidates
    set -l lines (__codasync_complete)
    if test "$lines[1]" = :file
        __fish_complete_path (commandline --current-token --cut-at-cursor)
    else
        string join -- \n $lines
    end
end
complete --command codasync --no-files --keep-order --arguments '(__codasync_candidates)'
)";

const std::map<std::string, const char*>& scripts() {
  static const std::map<std::string, const char*> all{
      {"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
  return all;
}

const CLI::Option* find(const CLI::App& command, const std::string& spelling) {
  for (const auto* option : options_of(command, true)) {
    const auto all = spellings_of(*option);
    if (std::ranges::find(all, spelling) != all.end()) return option;
  }
  return nullptr;
}

class Candidates {
 public:
  explicit Candidates(std::string beginning) : beginning_{std::move(beginning)} {}

  void add(const std::string& word, const std::string& description) {
    if (!word.starts_with(beginning_)) return;
    lines_ += word;
    if (!description.empty()) lines_ += "\t" + description.substr(0, description.find('\n'));
    lines_ += '\n';
  }
  void add_values(const CLI::Option& option, const std::string& before = {}) {
    for (const auto& word : words_of(option)) add(before + word, "");
    const auto type = option.get_type_name();
    if (type == "FILE" || type == "FOLDER") lines_ = kFile;
  }

  std::string lines() && { return std::move(lines_); }

 private:
  const std::string beginning_;
  std::string lines_;
};

/// What the words before the cursor have chosen.
struct Position {
  const CLI::App* command;
  std::size_t arguments{0};            // that were given to it
  const CLI::Option* option{nullptr};  // the next word is its value
  bool only_arguments{false};          // after `--`
};

Position position_after(const CLI::App& root, const std::vector<std::string>& words) {
  Position at{.command = &root};
  for (const auto& word : words) {
    if (word == "=") continue;
    if (at.option != nullptr) {
      at.option = nullptr;
    } else if (word == "--") {
      at.only_arguments = true;
    } else if (word.starts_with('-') && !at.only_arguments) {
      const auto* option = find(*at.command, word);
      if (option != nullptr && takes_value(*option)) at.option = option;
    } else {
      const auto subs = commands_of(*at.command);
      const auto sub =
          std::ranges::find(subs, word, [](const CLI::App* each) { return each->get_name(); });
      if (sub != subs.end()) {
        at = {.command = *sub};
      } else {
        ++at.arguments;
      }
    }
  }
  return at;
}

}  // namespace

std::string complete(const CLI::App& root, const std::vector<std::string>& words) {
  const std::string last = words.empty() || words.back() == "=" ? "" : words.back();
  const auto at =
      position_after(root, words.empty() ? words : std::vector(words.begin(), words.end() - 1));
  Candidates candidates{last};
  if (at.option != nullptr) {
    candidates.add_values(*at.option);
    return std::move(candidates).lines();
  }
  if (last.starts_with('-') && !at.only_arguments) {
    const auto equals = last.find('=');
    const auto* option =
        equals == std::string::npos ? nullptr : find(*at.command, last.substr(0, equals));
    if (option != nullptr) candidates.add_values(*option, last.substr(0, equals + 1));
    if (equals == std::string::npos) {
      for (const auto* each : options_of(*at.command, true)) {
        for (const auto& spelling : spellings_of(*each))
          candidates.add(spelling, each->get_description());
      }
    }
    return std::move(candidates).lines();
  }
  for (const auto* sub : commands_of(*at.command))
    candidates.add(sub->get_name(), sub->get_description());
  const auto arguments = arguments_of(*at.command);
  if (!arguments.empty()) {
    const bool repeated =
        takes_value(*arguments.back()) && arguments.back()->get_items_expected_max() > 1;
    if (at.arguments < arguments.size()) {
      candidates.add_values(*arguments[at.arguments]);
    } else if (repeated) {
      candidates.add_values(*arguments.back());
    }
  }
  return std::move(candidates).lines();
}

std::vector<std::string> completion_shells() {
  std::vector<std::string> shells;
  for (const auto& [shell, script] : scripts()) shells.push_back(shell);
  return shells;
}

std::string completion_script(const std::string& shell) { return scripts().at(shell); }

}  // namespace codasync::api::cli
