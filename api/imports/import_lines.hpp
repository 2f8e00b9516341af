#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/imports/import_run.hpp"
#include "api/imports/import_undo.hpp"
#include "api/line_response.hpp"
#include "storage/import_record.hpp"
#include "storage/mutex.hpp"

// The lines of an import over HTTP (api/README.md, "Imports").

namespace codasync::api {

/// The client closed the connection.
struct ClientGone {};

/// The service stops, and the import with it.
struct ServiceStops {};

/// What the lines say about an import as a whole.
struct ImportHeader {
  Uuid import;
  storage::ImportKind kind;
  bool dry_run;
  std::uint64_t bytes;  // of the file
};

/// What the last line says.
struct ImportEnd {
  storage::ImportOutcome outcome{storage::ImportOutcome::done};
  std::optional<std::string> reason{};  // why the file was not read to its end, or what failed
  storage::ImportTally rows{};
  std::size_t repeated{0};    // see ImportCounts
  std::size_t duplicates{0};  // of the unchanged ones: readings that were recorded before
  std::size_t voided{0};      // of these: were voided since
  std::size_t failed{0};
};

/// Sends what an import does, as it happens. Threads: as ImportReceiver; all others the importing
/// one.
class ImportLines final : public ImportReceiver {
 public:
  /// `on_begin`: called before the first row is written; not in a dry run. `stops`: whether the
  /// service stops.
  ImportLines(LineResponse& response, const ImportHeader& header, std::function<void()> on_begin,
              std::function<bool()> stops)
      : response_{response},
        header_{header},
        on_begin_{std::move(on_begin)},
        stops_{std::move(stops)} {}

  void plan(const storage::FilePlan& plan) override;
  void begin() override;
  /// Throws: ClientGone, ServiceStops.
  void progress(const storage::ImportCounts& counts) override;
  void change(const storage::CatalogueStore::ProductDifference& difference) noexcept override;
  void refuse(const storage::RowRefusal& refusal) noexcept override;
  void change(std::size_t line, const storage::Written& written) noexcept override;

  /// The last line. Does not throw when the client has gone.
  void result(const ImportEnd& end);

  /// Returns: the mapping as JSON; empty: the file has none.
  [[nodiscard]] const std::string& plan_json() const noexcept { return plan_; }
  /// Returns: how many rows were refused until now.
  [[nodiscard]] std::size_t refused();

 private:
  void send_waiting();
  [[nodiscard]] std::optional<std::string> id() const;

  LineResponse& response_;
  const ImportHeader header_;
  const std::function<void()> on_begin_;
  const std::function<bool()> stops_;
  std::string plan_;
  std::chrono::steady_clock::time_point last_progress_{};

  Mutex mutex_;
  std::string waiting_ CODASYNC_GUARDED_BY(mutex_);  // lines
  std::size_t refused_ CODASYNC_GUARDED_BY(mutex_){0};
  std::size_t changes_ CODASYNC_GUARDED_BY(mutex_){0};
};

/// Returns: a line of an undo with the number of events that were found so far.
std::string undo_progress_line(std::size_t events);
/// Returns: the last line of an undo.
std::string undo_result_line(const Uuid& import, const ImportUndone& undone);

/// Returns: the sentences of a refused file as JSON: an array of `{question, parameters}`.
std::string questions_json(std::string_view reason);

}  // namespace codasync::api
