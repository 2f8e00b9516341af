#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace codasync::api::cli {

/// An option of a command, and the parameter or field of the API that has its value.
struct RemoteOption {
  std::string_view option;  // --expires-before
  std::string_view name;    // expires_before
  std::string_view type;    // in help: DATE, or {a|b} for certain words
  std::string_view text;
  bool required{false};
  bool clears{false};  // of a write: an empty value is null
};

/// A command that sends one request to a running service, or reads the pages of a list. Everything
/// about it is made from this: its parse, its help, its completion, its manual and its request.
struct RemoteCommand {
  enum class Kind {
    list,   // GET, an array in pages
    show,   // GET, an object
    write,  // the fields are the body; the response is shown if it has one
  };
  std::string_view noun;  // shop
  std::string_view verb;  // list
  Kind kind;
  std::string_view text;
  std::string_view method;
  std::string_view path;  // `{ID}` and `{GTIN}` are arguments
  std::vector<RemoteOption> options;
  std::vector<std::string_view> columns;  // of the table: fields of the response
};

/// Returns: all of them, those of a noun together.
std::span<const RemoteCommand> remote_commands();

/// Returns: what a noun is, for help.
std::string_view about_noun(std::string_view noun);

/// Returns: the names in braces of a path, in order.
std::vector<std::string> arguments_of_path(std::string_view path);

struct RemoteCall {
  std::map<std::string, std::string> values;  // by the name of the argument or parameter
  std::size_t limit{100};                     // rows of a list
  bool all{false};                            // of a list: all rows
  bool json{false};
};

/// Where the service is.
struct RemoteService {
  std::string url;    // empty: not known
  std::string token;  // empty: none
};

/// Sends the request and prints the response. Returns: the exit status.
int run_remote(const RemoteCommand& command, const RemoteCall& call, const RemoteService& service);

}  // namespace codasync::api::cli
