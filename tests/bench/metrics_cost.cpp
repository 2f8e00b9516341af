// Measures the cost of metrics: nanoseconds of processor time to record one request, one look-up,
// one batch and one borrowed connection, alone and with a second thread that records the same.

#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <thread>

#include "api/observability/metrics.hpp"

namespace {

using codasync::api::Metrics;
using namespace std::chrono_literals;

constexpr int kTimes = 2'000'000;

/// Returns: processor time of this thread, which other work on the machine hardly changes.
double processor_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double nanoseconds_each(const std::function<void()>& count) {
  const double started = processor_nanoseconds();
  for (int i = 0; i < kTimes; ++i) count();
  return (processor_nanoseconds() - started) / kTimes;
}

void measure(const char* what, const std::function<void()>& count) {
  const double alone = nanoseconds_each(count);
  double together = 0;
  {
    const std::jthread other{[&] { nanoseconds_each(count); }};
    together = nanoseconds_each(count);
  }
  std::printf("%-20s%8.0f ns%8.0f ns\n", what, alone, together);
}

}  // namespace

int main() {
  Metrics metrics{1};
  // As many series as a busy service has, so that a look-up takes as long as there.
  for (int status = 200; status < 220; ++status) {
    for (const char* route : {"/api/v1/products", "/api/v1/shops", "/api/v1/stock-readings"})
      metrics.request(route, "GET", status, 1ms);
  }
  std::printf("%-20s%11s%11s\n", "", "alone", "two threads");
  measure("a request", [&] { metrics.request("/api/v1/products", "GET", 200, 300us); });
  measure("a look-up", [&] { metrics.looked_up(codasync::cache::LookupState::hit); });
  measure("a batch", [&] { metrics.on_batch({64, 2ms, 1ms, 1ms, 1ms}); });
  measure("a borrowed connection", [&] {
    metrics.on_lent(codasync::storage::PoolName::reads, 1us);
    metrics.on_returned(codasync::storage::PoolName::reads);
  });
}
