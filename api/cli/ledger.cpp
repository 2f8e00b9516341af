#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/progress.hpp"
#include "storage/ledger_retention.hpp"

namespace codasync::api::cli {

int close_ledger(const config::Settings& settings, const std::string& before) {
  const auto day = parse_date(before);
  if (!day) {
    std::cerr << "codasync: --before must be a date such as 2026-01-01, not " << before << "\n";
    return kMisused;
  }
  Progress progress;
  try {
    const auto counts = storage::close_ledger(settings.postgres, *day, [&](std::uint64_t readings) {
      progress.show([&] { return std::to_string(readings) + " readings processed"; });
    });
    progress.clear();
    std::cerr << "The ledger is closed until " << before << ": " << counts.readings
              << " readings were processed, " << counts.partitions.size()
              << " months of events were deleted.\n";
    return kDone;
  } catch (const storage::CloseRefused& refused) {
    progress.clear();
    std::cerr << "codasync: " << refused.what() << "\n";
    return kMisused;
  }
}

}  // namespace codasync::api::cli
