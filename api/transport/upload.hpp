#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "api/transport/http.hpp"
#include "api/transport/refusal.hpp"
#include "storage/model/outcome.hpp"
#include "storage/mutex.hpp"

namespace codasync::api {

/// The body of a request that is read piece by piece, so that its size needs no memory. The
/// transport reads from the client only while next() waits: a client sends no faster than its body
/// is read. Threads: any; next(): one at a time.
class Upload {
 public:
  /// `more`: lets the transport read; called by next(), on its thread.
  explicit Upload(std::function<void()> more) : more_{std::move(more)} {}

  /// Waits for a piece. Returns: the piece, empty at the end of the body; or why there is no end:
  /// 400, 408 or 413. Requires: neither an end nor a refusal was returned.
  Outcome<std::string, transport::Refusal> next();

  // The transport's side: the answer to one next(). A failure after an end, or after another one,
  // is ignored.

  void add(std::string piece);
  void end();
  void fail(const transport::Refusal& refusal);

 private:
  const std::function<void()> more_;
  Mutex mutex_;
  Condition changed_;
  std::string piece_ CODASYNC_GUARDED_BY(mutex_);
  bool ended_ CODASYNC_GUARDED_BY(mutex_){false};
  std::optional<transport::Refusal> refusal_ CODASYNC_GUARDED_BY(mutex_);
};

/// Returns: for a request without its body, the most bytes of the body if it is an upload; nullopt:
/// it is an ordinary one. Must not throw.
using UploadRule = std::function<std::optional<std::size_t>(const Request& head)>;

/// The rule of a server without uploads.
const UploadRule& no_uploads();

}  // namespace codasync::api
