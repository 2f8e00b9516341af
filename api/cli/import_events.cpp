#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/import_files.hpp"
#include "api/cli/import_report.hpp"
#include "cache/make_cache.hpp"
#include "storage/event_import.hpp"

namespace codasync::api::cli {
namespace {

constexpr std::size_t kEventsAtATime = 5'000;  // of several readings

/// Collects readings for a transaction, and counts what becomes of their events.
class Events {
 public:
  Events(storage::EventImport& import, ImportReport& report) : import_{import}, report_{report} {}

  void add(storage::EventsOfReading reading) {
    const auto events = reading.events.size();
    if (waiting_events_ + events > kEventsAtATime || waiting_.size() == storage::kEventReadingsMax)
      write();
    waiting_events_ += events;
    waiting_.push_back(std::move(reading));
  }

  void write() {
    if (waiting_.empty()) return;
    const auto results = import_.write(waiting_);
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const auto& reading = waiting_[i];
      using Result = storage::EventsRecorded::Result;
      switch (results[i].result) {
        case Result::recorded:
          recorded += reading.events.size();
          ++readings;
          break;
        case Result::known:
          known += reading.events.size();
          break;
        case Result::refused:
          refused += reading.events.size();
          report_.refuse({reading.line, "",
                          results[i].reason + " (shop " + std::to_string(reading.shop.value()) +
                              ", GTIN " + reading.gtin.canonical() + ": " +
                              std::to_string(reading.events.size()) + " events)"});
          break;
      }
    }
    waiting_.clear();
    waiting_events_ = 0;
  }

  std::size_t recorded{0};
  std::size_t readings{0};
  std::size_t known{0};
  std::size_t refused{0};

 private:
  storage::EventImport& import_;
  ImportReport& report_;
  std::vector<storage::EventsOfReading> waiting_;
  std::size_t waiting_events_{0};
};

}  // namespace

int import_events(const config::Settings& settings, const ImportRequest& request) {
  cache::Observer observer;
  const auto invalidation = cache::make_invalidation(settings.memcached, observer);
  const auto import = storage::make_event_import(settings.postgres, *invalidation);
  ImportReport report{request.refused, nullptr};

  return import_files(request, report, [&](storage::ByteSource& source) -> FileResult {
    Events events{*import, report};
    std::size_t rows = 0;
    std::size_t refused_rows = 0;
    const auto progress = [&] {
      report.progress({.accepted = rows, .refused = refused_rows, .bytes = source.bytes_read()});
    };
    const auto result = storage::read_events(source, {.reading =
                                                          [&](storage::EventsOfReading reading) {
                                                            rows += reading.events.size();
                                                            events.add(std::move(reading));
                                                            progress();
                                                          },
                                                      .refused =
                                                          [&](const storage::RowRefusal& refusal) {
                                                            ++refused_rows;
                                                            report.refuse(refusal);
                                                          }});
    events.write();
    progress();
    if (rows + refused_rows > 0) {
      report.finish(std::to_string(events.recorded) + " events of " +
                    std::to_string(events.readings) + " readings recorded, " +
                    std::to_string(events.known) + " already recorded, " +
                    std::to_string(events.refused) + " of refused readings");
    }
    if (!result) print_refusal(result.error());
    return {static_cast<bool>(result), events.recorded + events.known,
            events.refused + refused_rows};
  });
}

}  // namespace codasync::api::cli
