#pragma once

#include <memory>
#include <optional>

#include "api/http.hpp"
#include "api/transport/head.hpp"

namespace codasync::api::transport {

/// Pistache's request parser behind the gate of head.hpp. One for each worker: it sees complete
/// heads only, so it keeps nothing between two requests.
class Parser {
 public:
  Parser();
  ~Parser();

  /// Returns: method, path, query and headers; nothing when the method is unknown to HTTP.
  std::optional<Request> parse(Head& head);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api::transport
