#include "config/settings/table.hpp"

#include <cctype>
#include <type_traits>

#include "config/settings/values.hpp"

namespace codasync::config {
namespace {

template <class T>
constexpr Form kFormOf{};
template <>
constexpr Form kFormOf<bool> = Form::flag;
template <>
constexpr Form kFormOf<std::size_t> = Form::count;
template <>
constexpr Form kFormOf<std::chrono::milliseconds> = Form::duration;
template <>
constexpr Form kFormOf<std::chrono::seconds> = Form::whole_seconds;
template <>
constexpr Form kFormOf<std::vector<std::string>> = Form::list;
template <>
constexpr Form kFormOf<Secret> = Form::secret;
template <>
constexpr Form kFormOf<api::LogLevel> = Form::level;

/// `member` is a generic lambda that returns the value in Settings, const or not.
template <class Member>
Setting setting(std::string_view name, std::string_view description, Member member,
                std::vector<Fallback> fallbacks = {}) {
  using Value = std::remove_cvref_t<std::invoke_result_t<Member, Settings&>>;
  return {.name = name,
          .description = description,
          .form = kFormOf<Value>,
          .parse = [member](Settings& settings,
                            std::string_view text) { return parse(text, member(settings)); },
          .print = [member](const Settings& settings) { return print(member(settings)); },
          .fallbacks = std::move(fallbacks)};
}

/// The same for a size in bytes.
template <class Member>
Setting bytes(std::string_view name, std::string_view description, Member member) {
  return {.name = name,
          .description = description,
          .form = Form::bytes,
          .parse =
              [member](Settings& settings, std::string_view text) {
                Bytes value{};
                const bool valid = parse(text, value);
                if (valid) member(settings) = value.count;
                return valid;
              },
          .print = [member](const Settings& settings) { return print(Bytes{member(settings)}); }};
}

std::string unchanged(const std::string& value) { return value; }

std::string on_all_interfaces(const std::string& port) { return "0.0.0.0:" + port; }

/// Returns: host:11211 for memcached://host:11211/.
std::string without_scheme(const std::string& url) {
  const auto scheme = url.find("://");
  auto address = scheme == std::string::npos ? url : url.substr(scheme + 3);
  while (address.ends_with('/')) address.pop_back();
  return address;
}

std::vector<Setting> postgres_settings() {
  return {
      setting(
          "postgres.url",
          "The address of PostgreSQL: a libpq URI or key=value list; several hosts are allowed.",
          [](auto& all) -> auto& { return all.postgres.url; },
          {{"CODASYNC_DATABASE_URL", unchanged}, {"DATABASE_URL", unchanged}}),
      setting(
          "postgres.connections_max", "Connections for reads: 1 to 1000.",
          [](auto& all) -> auto& { return all.postgres.connections_max; }),
      setting(
          "postgres.fill_connections_max",
          "Connections for reads that fill the cache. When all are in use, a read does not fill. "
          "With the value of executor.threads there is always a free one: 1 to 1000.",
          [](auto& all) -> auto& { return all.postgres.fill_connections_max; }),
      setting(
          "postgres.waiters_max",
          "Requests that can wait for a connection; further ones get 503: 0 to 100000.",
          [](auto& all) -> auto& { return all.postgres.waiters_max; }),
      setting(
          "postgres.acquire_timeout", "Longest wait for a connection: 10ms to 60s.",
          [](auto& all) -> auto& { return all.postgres.acquire_timeout; }),
      setting(
          "postgres.connect_timeout", "Longest time to open a new connection: 1s to 60s.",
          [](auto& all) -> auto& { return all.postgres.connect_timeout; }),
      setting(
          "postgres.lock_timeout",
          "Longest wait for a lock, shorter than statement_timeout: 10ms to 60s.",
          [](auto& all) -> auto& { return all.postgres.lock_timeout; }),
      setting(
          "postgres.statement_timeout", "Longest time of one statement: 10ms to 10min.",
          [](auto& all) -> auto& { return all.postgres.statement_timeout; }),
  };
}

std::vector<Setting> combiner_settings() {
  return {
      setting(
          "combiner.lanes", "Threads that write stock readings, with one connection each: 1 to 64.",
          [](auto& all) -> auto& { return all.combiner.lanes; }),
      setting(
          "combiner.batch_max", "Operations in one transaction: 1 to 1000.",
          [](auto& all) -> auto& { return all.combiner.batch_max; }),
      setting(
          "combiner.lane_queue_max",
          "Operations that can wait in one lane; further ones get 503: 1 to 1000000.",
          [](auto& all) -> auto& { return all.combiner.lane_queue_max; }),
      setting(
          "combiner.queue_timeout",
          "Longest wait in a lane; then the operation gets 503: 10ms to 60s.",
          [](auto& all) -> auto& { return all.combiner.queue_timeout; }),
      setting(
          "combiner.attempts_max",
          "Attempts for a batch after a deadlock or a lost connection: 1 to 20.",
          [](auto& all) -> auto& { return all.combiner.attempts_max; }),
  };
}

std::vector<Setting> memcached_settings() {
  return {
      setting("memcached.servers",
              "The Memcached servers (slots) in order, unix:/path or host:port; Nginx needs the "
              "same list. "
              "Empty: no cache.",
              [](auto& all) -> auto& { return all.memcached.servers; },
              {{"CODASYNC_MEMCACHED", unchanged},
               {"MEMCACHED_SERVERS", unchanged},
               {"MEMCACHED_URL", without_scheme}}),
      setting(
          "memcached.connections_max", "Connections to each server: 1 to 1000.",
          [](auto& all) -> auto& { return all.memcached.connections_max; }),
      setting(
          "memcached.connect_timeout", "Longest wait for a connection: 1ms to 10s.",
          [](auto& all) -> auto& { return all.memcached.connect_timeout; }),
      setting(
          "memcached.answer_timeout", "Longest wait for a reply: 1ms to 10s.",
          [](auto& all) -> auto& { return all.memcached.answer_timeout; }),
      setting(
          "memcached.rest_after_failure",
          "How long reads do not use a server after a failure (circuit breaker): 0ms to 60s.",
          [](auto& all) -> auto& { return all.memcached.rest_after_failure; }),
      setting(
          "memcached.entry_ttl",
          "Time to live of an entry, and about the longest stop of writers when a server does not "
          "respond: 1s to 30d.",
          [](auto& all) -> auto& { return all.memcached.entry_ttl; }),
      setting(
          "memcached.lease_ttl",
          "Time to live of a lease; a crashed filler blocks others for this time: 1s to 60s.",
          [](auto& all) -> auto& { return all.memcached.lease_ttl; }),
  };
}

std::vector<Setting> server_settings() {
  return {
      setting("server.listen",
              "The addresses of the service: unix:/path or address:port, at least one.",
              [](auto& all) -> auto& { return all.server.listen; }, {{"PORT", on_all_interfaces}}),
      setting(
          "server.workers", "Threads with an event loop each: 1 to 64.",
          [](auto& all) -> auto& { return all.server.workers; }),
      setting(
          "server.connections_max", "Open connections; further ones get 503: 1 to 1000000.",
          [](auto& all) -> auto& { return all.server.connections_max; }),
      bytes(
          "server.request_bytes_max",
          "Size of request line, headers and body together: 4096 to 100MB.",
          [](auto& all) -> auto& { return all.server.request_bytes_max; }),
      setting(
          "server.request_timeout",
          "Longest time from the first byte of a request to its last: 1ms to 10min.",
          [](auto& all) -> auto& { return all.server.request_timeout; }),
      setting(
          "server.idle_timeout",
          "Longest time between two requests; longer than the keep-alive time of Nginx: 1ms to 1h.",
          [](auto& all) -> auto& { return all.server.idle_timeout; }),
      setting(
          "server.write_timeout",
          "Longest time without progress when the client does not read the response: 1ms to 10min.",
          [](auto& all) -> auto& { return all.server.write_timeout; }),
  };
}

std::vector<Setting> api_settings() {
  return {
      setting(
          "executor.threads",
          "Threads for work that can block, such as queries; one more runs short look-ups: 1 to "
          "256.",
          [](auto& all) -> auto& { return all.executor.threads; }),
      setting(
          "executor.queue_max",
          "Requests that can wait for a thread; further ones get 503: 1 to 1000000.",
          [](auto& all) -> auto& { return all.executor.queue_max; }),
      setting(
          "executor.queue_timeout",
          "A request that waited longer for a thread gets 503: 10ms to 60s.",
          [](auto& all) -> auto& { return all.executor.queue_timeout; }),
      setting(
          "api.public_reads", "false: every read needs a token, and Nginx must not use the cache.",
          [](auto& all) -> auto& { return all.api.public_reads; }),
      bytes(
          "api.body_bytes_max", "Size of a body; more is 413: 1KB to 100MB.",
          [](auto& all) -> auto& { return all.api.body_bytes_max; }),
      setting(
          "api.shutdown_grace",
          "Longest time for the requests in progress after SIGTERM: 0ms to 10min.",
          [](auto& all) -> auto& { return all.api.shutdown_grace; }),
      setting(
          "log.level", "Lowest level that is written: debug, info, warning or error.",
          [](auto& all) -> auto& { return all.log.level; }),
      setting(
          "log.queue_max",
          "Lines that can wait for a slow reader; then the oldest are dropped: 16 to 1000000.",
          [](auto& all) -> auto& { return all.log.queue_max; }),
  };
}

std::vector<Setting> make_table() {
  std::vector<Setting> table;
  for (auto make :
       {postgres_settings, combiner_settings, memcached_settings, server_settings, api_settings}) {
    for (auto& each : make()) table.push_back(std::move(each));
  }
  return table;
}

}  // namespace

std::string_view rule_of(Form form) {
  switch (form) {
    case Form::flag:
      return "true or false";
    case Form::count:
      return "a whole number such as 8";
    case Form::bytes:
      return "a number of bytes such as 4096, 64KiB or 1MB";
    case Form::duration:
      return "a duration such as \"250ms\", \"5s\", \"10min\", \"1h\" or \"30d\"";
    case Form::whole_seconds:
      return "a duration in whole seconds such as \"5s\", \"10min\", \"1h\" or \"30d\"";
    case Form::secret:
      return "a text";
    case Form::list:
      return "a list of texts, none empty or with a comma";
    case Form::level:
      return "debug, info, warning or error";
  }
  __builtin_unreachable();
}

std::string Setting::variable() const {
  std::string variable{kVariablePrefix};
  for (const char c : name) {
    variable.push_back(c == '.' ? '_'
                                : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return variable;
}

std::span<const Setting> settings_table() {
  static const std::vector<Setting> kTable = make_table();
  return kTable;
}

}  // namespace codasync::config
