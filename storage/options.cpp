#include "storage/options.hpp"

#include <libpq-fe.h>

#include <memory>
#include <regex>
#include <stdexcept>
#include <vector>

#include "storage/postgres/connection.hpp"

namespace codasync::storage {
namespace {

constexpr const char* kMask = "********";

/// Returns: the passwords in the URL as libpq reads them; nullopt when it does not accept the URL.
std::optional<std::vector<std::string>> passwords_in(const Secret& url) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed{
      PQconninfoParse(url.reveal().c_str(), nullptr), &PQconninfoFree};
  if (!parsed) return std::nullopt;
  std::vector<std::string> passwords;
  for (const PQconninfoOption* option = parsed.get(); option->keyword; ++option) {
    if (option->val && std::string_view{option->keyword}.ends_with("password"))
      passwords.emplace_back(option->val);
  }
  return passwords;
}

}  // namespace

std::optional<std::string> problem_of_url(const Secret& url) try {
  PostgresOptions options;
  options.url = url;
  postgres::connection_string(options);
  return std::nullopt;
} catch (const std::invalid_argument& error) {
  return error.what();
}

std::string masked_url(const Secret& url) {
  if (url.empty()) return {};
  const auto passwords = passwords_in(url);
  if (!passwords) return kMask;
  if (passwords->empty()) return url.reveal();
  // The login of a URI, its parameters, and a key=value list with or without quotes.
  static const std::regex kLogin{R"(^(\w+://[^:/?@]*:)[^/?]*@)"};
  static const std::regex kParameter{R"(([?&]\w*password=)[^&]*)"};
  static const std::regex kValue{R"((^|\s)(\w*password\s*=\s*)('(\\.|[^'\\])*'|(\\.|[^\s\\])*))"};
  std::string shown = url.reveal();
  if (std::regex_search(shown, std::regex{R"(^\w+://)"})) {
    shown = std::regex_replace(shown, kLogin, std::string{"$1"} + kMask + "@");
    shown = std::regex_replace(shown, kParameter, std::string{"$1"} + kMask);
  } else {
    shown = std::regex_replace(shown, kValue, std::string{"$1$2"} + kMask);
  }
  for (const auto& password : *passwords) {
    const bool found = shown.find(password) != std::string::npos;
    if (shown == url.reveal() || (found && password.size() >= 3)) return kMask;
  }
  return shown;
}

}  // namespace codasync::storage
