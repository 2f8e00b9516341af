#include "api/observability/samples.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "cache/inspect.hpp"
#include "storage/migrate.hpp"

namespace codasync::api {
namespace {

using Kind = Sample::Kind;

double now_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Initialised before main(), as near to the start of the process as possible.
const double kStarted = now_seconds(CLOCK_REALTIME);

double resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  double all = 0;
  double resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator entries{"/proc/self/fd", error};
  // Without the descriptor that reads the directory.
  return error ? 0 : static_cast<double>(std::distance(begin(entries), end(entries))) - 1;
}

}  // namespace

std::vector<Sample> process_samples() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return {
      {"process_start_time_seconds", "Start time of the process, in Unix time.", Kind::gauge,
       kStarted},
      {"process_cpu_seconds_total", "CPU time of the process, user and system.", Kind::counter,
       now_seconds(CLOCK_PROCESS_CPUTIME_ID)},
      {"process_resident_memory_bytes", "Resident memory of the process.", Kind::gauge,
       resident_bytes()},
      {"process_open_fds", "Open file descriptors.", Kind::gauge, open_descriptors()},
      {"process_max_fds", "Maximum number of open file descriptors.", Kind::gauge,
       static_cast<double>(files.rlim_cur)},
  };
}

Sample build_sample() {
  return {
      "codasync_build_info",
      "Always 1. Labels: version, compiler, and the database migration that this version needs.",
      Kind::gauge,
      1,
      {{"version", CODASYNC_VERSION},
       {"compiler", __VERSION__},
       {"migration", std::to_string(storage::migrations().back().number)}}};
}

std::vector<Sample> memcached_samples(const cache::MemcachedOptions& options) {
  std::vector<Sample> samples;
  for (std::size_t slot = 0; slot < options.servers.size(); ++slot) {
    const auto add = [&](std::string name, std::string help, Kind kind, double value) {
      samples.push_back({"codasync_memcached_" + std::move(name),
                         std::move(help),
                         kind,
                         value,
                         {{"slot", std::to_string(slot)}}});
    };
    const auto statistics = cache::server_statistics(options, slot);
    add("up", "1 when the Memcached server of this slot responds, otherwise 0.", Kind::gauge,
        statistics ? 1 : 0);
    if (!statistics) continue;
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    add("uptime_seconds", "Seconds since the start of the Memcached server.", Kind::gauge,
        number(statistics->uptime_seconds));
    add("connections", "Open connections of the Memcached server.", Kind::gauge,
        number(statistics->connections));
    add("items", "Stored entries, including expired ones that are not yet removed.", Kind::gauge,
        number(statistics->items));
    add("bytes", "Memory used by entries.", Kind::gauge, number(statistics->bytes));
    add("limit_bytes", "Memory limit for entries.", Kind::gauge, number(statistics->bytes_max));
    add("get_hits_total", "Lookups that found an entry, from the service and from Nginx.",
        Kind::counter, number(statistics->hits));
    add("get_misses_total", "Lookups that found no entry, from the service and from Nginx.",
        Kind::counter, number(statistics->misses));
    add("evictions_total", "Entries removed before their expiry to free memory.", Kind::counter,
        number(statistics->evictions));
  }
  return samples;
}

}  // namespace codasync::api
