#include "api/cli/import_recording.hpp"

#include <iostream>
#include <utility>

#include "api/cli/writers.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api::cli {

ImportRecording::ImportRecording(const config::Settings& settings, const Uuid& import,
                                 storage::ImportKind kind, bool dry_run)
    : import_{import},
      kind_{kind},
      dry_run_{dry_run},
      trail_{storage::make_import_trail(settings.postgres)} {}

void ImportRecording::begin() {
  if (dry_run_ || begun_) return;
  trail_->begin(import_, kind_, command_line());
  begun_ = true;
}

void ImportRecording::end(storage::ImportOutcome outcome) {
  if (!std::exchange(begun_, false)) return;
  if (wrote_)
    std::cerr << "To take this import back: codasync import undo " << to_string(import_) << "\n";
  trail_->end(import_, failed_ ? storage::ImportOutcome::failed : outcome, tally_);
}

storage::Token actor_of(const Uuid& import) {
  return command_line(storage::actor_of_import(kCommandLine, import));
}

}  // namespace codasync::api::cli
