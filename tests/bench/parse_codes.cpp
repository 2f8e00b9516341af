// Measures how many codes of scanners one core parses in a second, by processor time of the thread,
// and the allocations of each parse.

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <string_view>

#include "storage/model/barcode/barcode.hpp"
#include "storage/model/time.hpp"

namespace {

using namespace codasync;

std::atomic<long> allocations{0};

struct Kind {
  const char* name;
  std::string_view code;
};

constexpr std::string_view kPack{
    "]d2"
    "0109521234543213"
    "17261224"
    "10ABC123\x1d"
    "2177"};

constexpr std::array<Kind, 8> kKinds{{
    {"GTIN", "9521234543213"},
    {"GTIN with identifier", "]E09521234543213"},
    {"UPC-E with identifier", "]E003433401"},
    {"date of a pack", "]C117261224"},
    {"GTIN, date, lot, serial", kPack},
    {"the same in brackets", "(01)09521234543213(17)261224(10)ABC123(21)77"},
    {"Digital Link", "https://id.gs1.org/01/09521234543213/10/ABC123/21/77?17=261224"},
    {"with an error", "]d2010952123454321317261332"},
}};

/// Returns: processor time of this thread, which other work on the machine hardly changes.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void measure(const Kind& kind, const barcode::ParseOptions& options, int times) {
  std::size_t elements = 0;
  const auto allocations_before = allocations.load();
  const double started = processor_seconds();
  for (int i = 0; i < times; ++i) elements += barcode::parse(kind.code, options).elements.size();
  const double seconds = processor_seconds() - started;
  const auto made = allocations.load() - allocations_before;
  std::printf("%-26s%12.0f%14.0f%14.1f%12zu\n", kind.name, times / seconds, seconds / times * 1e9,
              static_cast<double>(made) / times, elements / static_cast<std::size_t>(times));
}

}  // namespace

// Counts allocations. malloc() is what the default operator calls.
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main() {
  constexpr int kTimes = 1'000'000;
  const barcode::ParseOptions options{.today = date_of(now())};
  std::printf("%-26s%12s%14s%14s%12s\n", "", "parses/s", "ns", "allocations", "elements");
  for (const auto& kind : kKinds) measure(kind, options, kTimes);
}
