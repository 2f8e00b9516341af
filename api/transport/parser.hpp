#pragma once

#include <memory>

#include "api/transport/head.hpp"

namespace codasync::api::transport {

/// Pistache's parser, for request lines, behind the gate of head.hpp. One for each worker: it sees
/// complete heads only, so it keeps nothing between two requests.
class Parser {
 public:
  Parser();
  ~Parser();

  /// Completes the request with method and path. Returns: false when the method is unknown to HTTP.
  [[nodiscard]] bool parse(Head& head);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api::transport
