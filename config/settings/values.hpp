#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/observability/options.hpp"
#include "storage/secret.hpp"

// The text form of values: the environment has it unchanged, the TOML file with TOML's quotes and
// brackets.

namespace codasync::config {

/// A number of bytes, as a type of its own.
struct Bytes {
  std::size_t count;

  explicit operator std::size_t() const { return count; }
  friend auto operator<=>(const Bytes&, const Bytes&) = default;
};

/// Reads `text` into `value`. Returns: false when it does not have this form; then `value` is
/// unchanged. Numbers are decimal digits, without sign or separators.
bool parse(std::string_view text, bool& value);                       // true, false
bool parse(std::string_view text, std::size_t& value);                // 250
bool parse(std::string_view text, Bytes& value);                      // 512, 64KiB, 1MB
bool parse(std::string_view text, std::chrono::milliseconds& value);  // 250ms, 5s, 10min, 1h, 30d
bool parse(std::string_view text, std::chrono::seconds& value);       // 5s, 10min, 1h, 30d
bool parse(std::string_view text, std::vector<std::string>& value);   // a,b; none: an empty list
bool parse(std::string_view text, std::string& value);                // anything
bool parse(std::string_view text, Secret& value);                     // anything
bool parse(std::string_view text, api::LogLevel& value);              // debug, info, warning, error

/// Returns: the shortest text that parses to the same value. A secret is an address of PostgreSQL:
/// its passwords are printed as asterisks, and so is the password in another address
/// (user:password@host).
std::string print(bool value);
std::string print(std::size_t value);
std::string print(Bytes value);
std::string print(std::chrono::milliseconds value);
std::string print(std::chrono::seconds value);
std::string print(const std::vector<std::string>& value);
std::string print(const std::string& value);
std::string print(const Secret& value);
std::string print(api::LogLevel value);

}  // namespace codasync::config
