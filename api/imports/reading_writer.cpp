#include "api/imports/reading_writer.hpp"

#include <utility>

namespace codasync::api {

void ReadingWriter::write(storage::StockOperation operation, OnRefused refused, OnWritten written) {
  wait_for(in_flight_max_ - 1);
  {
    const MutexLock hold{mutex_};
    ++in_flight_;
  }
  operation.actor = actor_;
  ledger_.submit(std::move(operation),
                 [this, refused = std::move(refused), written = std::move(written)](
                     const storage::StockResult& result) { take(result, refused, written); });
}

std::size_t ReadingWriter::refused() {
  const MutexLock hold{mutex_};
  return counts_.refused;
}

ReadingWriter::Counts ReadingWriter::finish() {
  wait_for(0);
  const MutexLock hold{mutex_};
  return counts_;
}

bool ReadingWriter::token_revoked() {
  const MutexLock hold{mutex_};
  return revoked_;
}

std::string ReadingWriter::failure() {
  const MutexLock hold{mutex_};
  return failure_;
}

void ReadingWriter::wait_for(std::size_t in_flight) {
  MutexLock hold{mutex_};
  changed_.wait(hold, [&]() CODASYNC_REQUIRES(mutex_) { return in_flight_ <= in_flight; });
}

void ReadingWriter::take(const storage::StockResult& result, const OnRefused& refused,
                         const OnWritten& on_written) {
  const auto* refusal = std::get_if<storage::Refused>(&result);
  if (refusal != nullptr) refused(refusal->why);
  if (const auto* accepted = std::get_if<storage::Written>(&result); accepted && on_written)
    on_written(*accepted);
  const MutexLock hold{mutex_};
  if (refusal != nullptr) {
    ++counts_.refused;
    if (refusal->why == storage::Refused::Why::token_revoked) revoked_ = true;
  } else if (const auto* failed = std::get_if<storage::Failed>(&result)) {
    ++counts_.failed;
    failure_ = failed->dependency + ": " + failed->log_detail;
  } else {
    const auto& written = std::get<storage::Written>(result);
    if (written.voided) ++counts_.voided;
    if (written.outcome == EventOutcome::applied && written.created) ++counts_.created;
    switch (written.outcome) {
      case EventOutcome::applied:
        ++counts_.applied;
        break;
      case EventOutcome::kept:
        ++counts_.kept;
        break;
      case EventOutcome::duplicate:
        ++counts_.duplicates;
        break;
    }
  }
  --in_flight_;
  changed_.notify_one();  // under the lock: after it, the writer may be destroyed
}

}  // namespace codasync::api
