#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

// Checks of values of the command line. CLI11's own ones show its words ("INT in [1 - 9]") in help
// and messages; these give a sentence and nothing else.

namespace codasync::api::cli {

/// A whole number from `min` to `max`.
inline CLI::Validator whole_number(std::int64_t min,
                                   std::int64_t max = std::numeric_limits<std::int64_t>::max()) {
  return {[min, max](const std::string& text) -> std::string {
            std::int64_t number{};
            const auto* const end = text.data() + text.size();
            const auto [at, error] = std::from_chars(text.data(), end, number);
            if (error == std::errc{} && at == end && min <= number && number <= max) return {};
            const bool open = max == std::numeric_limits<std::int64_t>::max();
            return "\"" + text + "\" is not a whole number " +
                   (open ? "of at least " + std::to_string(min)
                         : "from " + std::to_string(min) + " to " + std::to_string(max)) +
                   ".";
          },
          std::string{}};
}

/// Sets the words that an option may have. Its type name shows them, {a|b}; the completion reads
/// them there (words_of()).
inline CLI::Option* one_of(CLI::Option* option, const std::vector<std::string>& words) {
  std::string type;
  for (const auto& word : words) type += (type.empty() ? "" : "|") + word;
  const CLI::Validator check{[words](const std::string& text) -> std::string {
                               std::string all;
                               for (const auto& word : words) {
                                 if (word == text) return {};
                                 all += (all.empty() ? "" : ", ") + word;
                               }
                               return "\"" + text + "\" is not one of: " + all + ".";
                             },
                             std::string{}};
  return option->check(check)->type_name("{" + type + "}");
}

/// Returns: the words of one_of(); empty for any other option.
inline std::vector<std::string> words_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type.size() < 2 || type.front() != '{' || type.back() != '}') return {};
  return CLI::detail::split(type.substr(1, type.size() - 2), '|');
}

}  // namespace codasync::api::cli
