#include "api/observability/figures.hpp"

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

using Kind = Figure::Kind;

double now_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Set before main(): the first scrape would be too late.
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
  // Reading the folder takes one itself.
  return error ? 0 : static_cast<double>(std::distance(begin(entries), end(entries))) - 1;
}

}  // namespace

std::vector<Figure> process_figures() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return {
      {"process_start_time_seconds", "When the process started, in Unix time.", Kind::gauge,
       kStarted},
      {"process_cpu_seconds_total", "Time on the processors, in user and system mode.",
       Kind::counter, now_seconds(CLOCK_PROCESS_CPUTIME_ID)},
      {"process_resident_memory_bytes", "Memory that is not swapped out.", Kind::gauge,
       resident_bytes()},
      {"process_open_fds", "Open file descriptors.", Kind::gauge, open_descriptors()},
      {"process_max_fds", "File descriptors that may be open.", Kind::gauge,
       static_cast<double>(files.rlim_cur)},
  };
}

Figure build_figure() {
  return {"codasync_build_info",
          "The program: its version, its compiler and the migration it needs.",
          Kind::gauge,
          1,
          {{"version", CODASYNC_VERSION},
           {"compiler", __VERSION__},
           {"migration", std::to_string(storage::migrations().back().number)}}};
}

std::vector<Figure> memcached_figures(const cache::MemcachedOptions& options) {
  std::vector<Figure> figures;
  for (std::size_t slot = 0; slot < options.servers.size(); ++slot) {
    const auto add = [&](std::string name, std::string help, Kind kind, double value) {
      figures.push_back({"codasync_memcached_" + std::move(name),
                         std::move(help),
                         kind,
                         value,
                         {{"slot", std::to_string(slot)}}});
    };
    const auto said = cache::server_figures(options, slot);
    add("up", "Whether this slot's Memcached answers.", Kind::gauge, said ? 1 : 0);
    if (!said) continue;
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    add("uptime_seconds", "Since its process started.", Kind::gauge, number(said->uptime_seconds));
    add("connections", "Open connections.", Kind::gauge, number(said->connections));
    add("items", "Entries in memory, dead ones too.", Kind::gauge, number(said->items));
    add("bytes", "Memory that entries take.", Kind::gauge, number(said->bytes));
    add("limit_bytes", "Memory that entries may take.", Kind::gauge, number(said->bytes_max));
    add("get_hits_total", "Look-ups that found an entry, from the service and from Nginx.",
        Kind::counter, number(said->hits));
    add("get_misses_total", "Look-ups that found none.", Kind::counter, number(said->misses));
    add("evictions_total", "Entries that had to go for others before their time.", Kind::counter,
        number(said->evictions));
  }
  return figures;
}

}  // namespace codasync::api
