#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace codasync::api {

enum class LogLevel { debug, info, warning, error };

std::string_view name_of(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view name);

/// config/settings/table.cpp has the ranges.
struct LogOptions {
  LogLevel level{LogLevel::info};  // lines below it are not written; Log::set_level() changes it
  std::size_t queue_max{8192};     // lines that wait for a slow output; then the oldest is dropped
};

}  // namespace codasync::api
