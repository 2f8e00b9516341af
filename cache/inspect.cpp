#include "cache/inspect.hpp"

#include <libmemcached/memcached.h>

#include <memory>
#include <new>
#include <string_view>

#include "cache/address.hpp"
#include "cache/resolved_address.hpp"
#include "storage/errors.hpp"

namespace codasync::cache {
namespace {

struct Free {
  void operator()(memcached_st* handle) const noexcept { memcached_free(handle); }
};

struct FreeStatistics {
  const memcached_st* handle;
  void operator()(memcached_stat_st* statistics) const noexcept {
    memcached_stat_free(handle, statistics);
  }
};

using Handle = std::unique_ptr<memcached_st, Free>;

/// Returns: a handle for this server, which connects on first use; nothing while its name is not
/// resolved.
Handle handle_of(const MemcachedOptions& options, std::size_t slot) {
  Handle handle{memcached_create(nullptr)};
  if (!handle) throw std::bad_alloc{};
  memcached_behavior_set(handle.get(), MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT,
                         static_cast<std::uint64_t>(options.connect_timeout.count()));
  memcached_behavior_set(handle.get(), MEMCACHED_BEHAVIOR_POLL_TIMEOUT,
                         static_cast<std::uint64_t>(options.answer_timeout.count()));
  memcached_behavior_set(handle.get(), MEMCACHED_BEHAVIOR_NO_BLOCK, 1);
  const auto address = *parse_address(options.servers[slot]);
  const auto found = address.local_socket() ? std::nullopt : resolved(address);
  if (!address.local_socket() && !found) return nullptr;
  const auto added = address.local_socket()
                         ? memcached_server_add_unix_socket(handle.get(), address.path.c_str())
                         : memcached_server_add(handle.get(), found->host.c_str(), address.port);
  if (added != MEMCACHED_SUCCESS) throw std::bad_alloc{};
  return handle;
}

/// As handle_of(). Throws: Unavailable.
Handle resolved_handle_of(const MemcachedOptions& options, std::size_t slot) {
  auto handle = handle_of(options, slot);
  if (!handle) throw Unavailable{"memcached", options.servers[slot] + ": its name is not resolved"};
  return handle;
}

}  // namespace

std::string server_version(const MemcachedOptions& options, std::size_t slot) {
  const auto handle = resolved_handle_of(options, slot);
  if (const auto code = memcached_version(handle.get()); code != MEMCACHED_SUCCESS) {
    throw Unavailable{"memcached",
                      options.servers[slot] + ": " + memcached_strerror(handle.get(), code)};
  }
  const auto* server = memcached_server_instance_by_position(handle.get(), 0);
  return std::to_string(memcached_server_major_version(server)) + "." +
         std::to_string(memcached_server_minor_version(server)) + "." +
         std::to_string(memcached_server_micro_version(server));
}

ServerSettings server_settings(const MemcachedOptions& options, std::size_t slot) {
  const auto handle = resolved_handle_of(options, slot);
  ServerSettings settings;
  const auto take = [](const memcached_instance_st*, const char* key, std::size_t key_size,
                       const char* value, std::size_t value_size, void* context) {
    auto& into = *static_cast<ServerSettings*>(context);
    const std::string_view name{key, key_size};
    const std::string_view text{value, value_size};
    if (name == "cas_enabled") into.cas = text == "yes";
    if (name == "evictions") into.evicts = text == "on";
    if (name == "flush_enabled") into.flushes = text == "yes";
    return MEMCACHED_SUCCESS;
  };
  const auto code = memcached_stat_execute(handle.get(), "settings", take, &settings);
  if (code != MEMCACHED_SUCCESS) {
    throw Unavailable{"memcached",
                      options.servers[slot] + ": " + memcached_strerror(handle.get(), code)};
  }
  return settings;
}

std::optional<ServerStatistics> server_statistics(const MemcachedOptions& options,
                                                  std::size_t slot) {
  const auto handle = handle_of(options, slot);
  if (!handle) return std::nullopt;
  memcached_return_t code = MEMCACHED_SUCCESS;
  const std::unique_ptr<memcached_stat_st, FreeStatistics> found{
      memcached_stat(handle.get(), nullptr, &code), {handle.get()}};
  if (!found || code != MEMCACHED_SUCCESS) return std::nullopt;
  return ServerStatistics{found->uptime,     found->curr_connections, found->curr_items,
                          found->bytes,      found->limit_maxbytes,   found->get_hits,
                          found->get_misses, found->evictions};
}

}  // namespace codasync::cache
