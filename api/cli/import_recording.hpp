#pragma once

#include <memory>

#include "config/settings/settings.hpp"
#include "storage/import_trail.hpp"

namespace codasync::api::cli {

/// Records an import of the command line, from its first row on; a dry run is not recorded.
/// Threads: one.
class ImportRecording {
 public:
  ImportRecording(const config::Settings& settings, const Uuid& import, storage::ImportKind kind,
                  bool dry_run);

  /// Before the first row of a file. Throws: Unavailable.
  void begin();
  /// Adds the rows of a file. `wrote`: there is something to take back.
  void add(const storage::ImportTally& tally, bool wrote) {
    tally_ += tally;
    wrote_ = wrote_ || wrote;
  }
  /// A server failed, so that is how the import ends.
  void failed() noexcept { failed_ = true; }
  /// Records the end, and prints the id under which the import can be taken back if anything was
  /// written. Throws: Unavailable, after that.
  void end(storage::ImportOutcome outcome);

 private:
  const Uuid import_;
  const storage::ImportKind kind_;
  const bool dry_run_;
  const std::unique_ptr<storage::ImportTrail> trail_;
  storage::ImportTally tally_;
  bool begun_{false};
  bool wrote_{false};
  bool failed_{false};
};

/// Returns: the actor of what an import of the command line writes.
storage::Token actor_of(const Uuid& import);

}  // namespace codasync::api::cli
