#include "config/settings/table.hpp"

#include <cctype>
#include <type_traits>
#include <utility>

#include "config/settings/values.hpp"

namespace codasync::config {
namespace {

using namespace std::chrono_literals;
using Problems = std::vector<std::string>;

template <class T>
constexpr Form kFormOf{};
template <>
constexpr Form kFormOf<bool> = Form::flag;
template <>
constexpr Form kFormOf<std::size_t> = Form::count;
template <>
constexpr Form kFormOf<Bytes> = Form::bytes;
template <>
constexpr Form kFormOf<std::chrono::milliseconds> = Form::duration;
template <>
constexpr Form kFormOf<std::chrono::seconds> = Form::whole_seconds;
template <>
constexpr Form kFormOf<std::vector<std::string>> = Form::list;
template <>
constexpr Form kFormOf<std::string> = Form::text;
template <>
constexpr Form kFormOf<Secret> = Form::secret;
template <>
constexpr Form kFormOf<api::LogLevel> = Form::level;

template <class Member>
using ValueOf = std::remove_cvref_t<std::invoke_result_t<Member, Settings&>>;

/// The name of a setting is the path of its value in Settings; the second argument returns it.
#define MEMBER(path) \
#path, [](auto& all) -> auto& { return all.path; }

template <class As, class Member>
Setting setting_as(std::string_view name, Member member, std::string_view text) {
  const Settings defaults{};
  Setting made{.name = name,
               .text = text,
               .form = kFormOf<As>,
               .default_value = print(As{member(defaults)}),
               .parse =
                   [member](Settings& settings, std::string_view written) {
                     As value{};
                     if (!parse(written, value)) return false;
                     member(settings) = static_cast<ValueOf<Member>>(std::move(value));
                     return true;
                   },
               .print = [member](const Settings& settings) { return print(As{member(settings)}); }};
  if constexpr (std::is_same_v<As, Secret>) made.default_value = member(defaults).reveal();
  return made;
}

template <class Member>
Setting setting(std::string_view name, Member member, std::string_view text) {
  return setting_as<ValueOf<Member>>(name, member, text);
}

template <class As, class Member>
Setting ranged_as(std::string_view name, Member member, As min, As max, std::string_view text) {
  auto made = setting_as<As>(name, member, text);
  made.range = print(min) + " to " + print(max);
  made.checks.emplace_back([=, rule = "it must be " + made.range](const Settings& settings) {
    const As value{member(settings)};
    return min <= value && value <= max ? Problems{} : Problems{rule};
  });
  return made;
}

template <class Member>
Setting ranged(std::string_view name, Member member, std::type_identity_t<ValueOf<Member>> min,
               std::type_identity_t<ValueOf<Member>> max, std::string_view text) {
  return ranged_as<ValueOf<Member>>(name, member, min, max, text);
}

/// The same for a size in bytes.
template <class Member>
Setting bytes(std::string_view name, Member member, std::size_t min, std::size_t max,
              std::string_view text) {
  return ranged_as<Bytes>(name, member, Bytes{min}, Bytes{max}, text);
}

Setting checked(Setting setting, Setting::Check check) {
  setting.checks.push_back(std::move(check));
  return setting;
}

Setting with_fallbacks(Setting setting, std::vector<Fallback> fallbacks) {
  setting.fallbacks = std::move(fallbacks);
  return setting;
}

Problems check_url(const Settings& all) {
  const auto problem = storage::problem_of_url(all.postgres.url);
  return problem ? Problems{*problem} : Problems{};
}

Problems check_lock_timeout(const Settings& all) {
  if (all.postgres.lock_timeout < all.postgres.statement_timeout) return {};
  return {"it must be shorter than postgres.statement_timeout (" +
          print(all.postgres.statement_timeout) + ")"};
}

Problems check_servers(const Settings& all) {
  return cache::problems_of_servers(all.memcached.servers);
}

Problems check_key_file(const Settings& all) {
  if (all.memcached.key_file.empty()) return {};
  const auto problem = cache::problem_of_key_file(all.memcached.key_file);
  return problem ? Problems{*problem} : Problems{};
}

Problems check_listen(const Settings& all) {
  if (all.server.listen.empty()) return {"it must name at least one address"};
  Problems found;
  for (const auto& address : all.server.listen) {
    if (const auto problem = api::transport::problem_of_address(address))
      found.push_back("in '" + address + "' " + *problem);
  }
  return found;
}

Problems check_request_bytes(const Settings& all) {
  constexpr std::size_t kHeadBytes = 16'384;  // most that Nginx accepts as request line and headers
  if (all.server.request_bytes_max >= all.api.body_bytes_max + kHeadBytes) return {};
  return {"it must be api.body_bytes_max (" + print(Bytes{all.api.body_bytes_max}) + ") and " +
          print(Bytes{kHeadBytes}) + " more for the headers, or above"};
}

Problems check_origins(const Settings& all) {
  auto found = api::problems_of_origins(all.api.cors_origins);
  if (!all.api.public_reads && all.api.cors_origins == std::vector<std::string>{"*"})
    found.emplace_back("it must list the origins when api.public_reads is false");
  return found;
}

Problems check_token_lifetime(const Settings& all) {
  if (all.api.token_lifetime <= all.api.token_lifetime_max) return {};
  return {"it must not be longer than api.token_lifetime_max (" +
          print(all.api.token_lifetime_max) + ")"};
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

std::vector<Setting> make_table() {
  return {
      with_fallbacks(checked(setting(MEMBER(postgres.url),
                                     "The address of PostgreSQL: a libpq URI or key=value list; "
                                     "several hosts are allowed. Keep a password in the "
                                     "environment instead of the file"),
                             check_url),
                     {{"CODASYNC_DATABASE_URL", unchanged}, {"DATABASE_URL", unchanged}}),
      ranged(MEMBER(postgres.connections_max), 1, 1000, "Connections for reads"),
      ranged(MEMBER(postgres.fill_connections_max), 1, 1000,
             "Connections for reads that fill the cache. When all are in use, a read does not "
             "fill; with as many as executor.threads there is always a free one"),
      ranged(MEMBER(postgres.waiters_max), 0, 100'000,
             "Requests that can wait for a connection; further ones get 503"),
      ranged(MEMBER(postgres.acquire_timeout), 10ms, 60s, "Longest wait for a connection"),
      ranged(MEMBER(postgres.connect_timeout), 1s, 60s, "Longest time to open a new connection"),
      checked(ranged(MEMBER(postgres.lock_timeout), 10ms, 60s,
                     "Longest wait for a lock, shorter than statement_timeout"),
              check_lock_timeout),
      ranged(MEMBER(postgres.statement_timeout), 10ms, 10min, "Longest time of one statement"),

      ranged(MEMBER(combiner.lanes), 1, 64,
             "Threads that write stock readings, with one connection each"),
      ranged(MEMBER(combiner.batch_max), 1, 1000, "Operations in one transaction"),
      ranged(MEMBER(combiner.lane_queue_max), 1, 1'000'000,
             "Operations that can wait in one lane; further ones get 503"),
      ranged(MEMBER(combiner.queue_timeout), 10ms, 60s,
             "Longest wait in a lane; then the operation gets 503"),
      ranged(MEMBER(combiner.attempts_max), 1, 20,
             "Attempts for a batch after a deadlock or a lost connection"),
      ranged(MEMBER(combiner.staff_void_time), 0s, 876'000h,
             "How long after an event arrived staff can take it back, if it is their own; an admin "
             "can always"),

      with_fallbacks(checked(setting(MEMBER(memcached.servers),
                                     "The Memcached servers (slots) in order, unix:/path or "
                                     "host:port; Nginx needs the same list. Empty: no cache"),
                             check_servers),
                     {{"CODASYNC_MEMCACHED", unchanged},
                      {"MEMCACHED_SERVERS", unchanged},
                      {"MEMCACHED_URL", without_scheme}}),
      checked(setting(MEMBER(memcached.key_file),
                      "A file with the keys of the check that each entry carries, 1 to 4 lines of "
                      "32 hexadecimal digits; Nginx needs the same file. Empty: a key that "
                      "everyone has, so programs that reach a server can forge entries"),
              check_key_file),
      ranged(MEMBER(memcached.connections_max), 1, 1000,
             "Connections to each server, for each of look-ups, fills, pages and deletions"),
      ranged(MEMBER(memcached.connect_timeout), 1ms, 10s, "Longest wait for a connection"),
      ranged(MEMBER(memcached.answer_timeout), 1ms, 10s, "Longest wait for a reply"),
      ranged(MEMBER(memcached.rest_after_failure), 0ms, 60s,
             "How long reads do not use a server after a failure (circuit breaker)"),
      ranged(MEMBER(memcached.entry_ttl), 1s, 720h,
             "Time to live of an entry, and about the longest stop of writers when a server does "
             "not respond"),
      ranged(MEMBER(memcached.lease_ttl), 1s, 60s,
             "Time to live of a lease; a crashed filler blocks others for this time"),

      with_fallbacks(checked(setting(MEMBER(server.listen),
                                     "The addresses of the service: unix:/path or address:port, "
                                     "at least one"),
                             check_listen),
                     {{"PORT", on_all_interfaces}}),
      setting(MEMBER(server.behind_proxy),
              "true: only the reverse proxy connects to the TCP addresses, so that its "
              "X-Forwarded-Proto and X-Forwarded-Host count, as they do at Unix sockets"),
      ranged(MEMBER(server.workers), 1, 64, "Threads with an event loop each"),
      ranged(MEMBER(server.connections_max), 1, 1'000'000,
             "Open connections; further ones get 503"),
      ranged(MEMBER(server.tcp_connections_max), 1, 1'000'000,
             "Of these, those at TCP addresses when a Unix socket is in server.listen too: they "
             "are not those of Nginx"),
      checked(bytes(MEMBER(server.request_bytes_max), 4096, 100'000'000,
                    "Size of request line, headers and body together, at least "
                    "api.body_bytes_max and 16KiB"),
              check_request_bytes),
      ranged(MEMBER(server.request_timeout), 1ms, 10min,
             "Longest time from the first byte of a request to its last"),
      ranged(MEMBER(server.idle_timeout), 1ms, 1h,
             "Longest time between two requests; longer than the keep-alive time of Nginx"),
      ranged(MEMBER(server.write_timeout), 1ms, 10min,
             "Longest time without progress when the client does not read the response"),

      ranged(MEMBER(sessions.staff_idle), 5min, 9600h,
             "A browser that is signed in with a staff token and sends no request for this time "
             "is signed out"),
      ranged(MEMBER(sessions.admin_idle), 5min, 9600h, "The same with an admin token"),

      ranged(MEMBER(executor.threads), 1, 256,
             "Threads for work that can block, such as queries; one more runs short look-ups"),
      ranged(MEMBER(executor.queue_max), 1, 1'000'000,
             "Requests that can wait for a thread; further ones get 503"),
      ranged(MEMBER(executor.queue_timeout), 10ms, 60s,
             "A request that waited longer for a thread gets 503"),

      setting(MEMBER(api.public_reads),
              "false: every read needs a token, and Nginx must not use the cache"),
      checked(setting(MEMBER(api.cors_origins),
                      "Origins, such as https://shop.example, whose web pages may use the API "
                      "(CORS), or only * for reads by every page; Nginx needs the same list"),
              check_origins),
      bytes(MEMBER(api.body_bytes_max), 1000, 100'000'000, "Size of a body; more is 413"),
      ranged(MEMBER(api.streams_max), 0, 1'000'000,
             "Open streams of changes (/shops/{id}/stream); further ones get 503. Each is one of "
             "server.connections_max"),
      ranged(MEMBER(api.exports_max), 1, 100,
             "Exports (/export/…) that are sent at the same time, with one thread and one "
             "connection each; further ones get 503"),
      checked(ranged(MEMBER(api.token_lifetime), 1h, 876'000h,
                     "Lifetime of a token that is created without an end"),
              check_token_lifetime),
      ranged(MEMBER(api.token_lifetime_max), 1h, 876'000h, "Longest lifetime of a new token"),
      ranged(MEMBER(api.imports_max), 1, 20,
             "Imports (/import/…) at the same time, with one thread and up to two connections "
             "each; further ones get 503"),
      bytes(MEMBER(api.import_bytes_max), 1000, 10'000'000'000,
            "Size of the file of an import, which is stored in TMPDIR while it is read; more is "
            "413. Nginx needs the same limit"),
      ranged(MEMBER(api.shutdown_grace), 0ms, 10min,
             "Longest time for the requests in progress after SIGTERM"),

      setting(MEMBER(log.level), "Lowest level that is written: debug, info, warning or error"),
      ranged(MEMBER(log.queue_max), 16, 1'000'000,
             "Lines that can wait for a slow reader; then the oldest are dropped"),
  };
}

#undef MEMBER

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
    case Form::text:
    case Form::secret:
      return "a text";
    case Form::list:
      return "a list of texts, none empty or with a comma";
    case Form::level:
      return "debug, info, warning or error";
  }
  __builtin_unreachable();
}

std::string Setting::description() const {
  std::string sentences{text};
  if (!range.empty()) sentences.append(": ").append(range);
  sentences += ".";
  for (const auto& [variable, adapt] : fallbacks) {
    sentences.append(variable == fallbacks.front().variable ? " Without another value " : " or ")
        .append(adapt("$" + std::string{variable}));
  }
  if (!fallbacks.empty()) sentences += " is used.";
  return sentences;
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
