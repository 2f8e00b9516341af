#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace codasync::api::cli {

/// The service did not respond. what() is a sentence for the user.
class NoResponse : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Sends requests to a running service, one after the other, on one connection. It follows no
/// redirection, because the token belongs to this address only. Threads: one.
class HttpClient {
 public:
  struct Response {
    int status{0};
    std::string body;
    std::string next_page;  // the target of `Link: <…>; rel="next"`; empty: none
  };

  /// `url`: http:// or https:// with host, optional port and path. `token`: empty: none.
  /// Throws: NoResponse when the URL is not valid.
  HttpClient(std::string url, const std::string& token);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// `target`: the path with its query. `json`: the body; empty: none. A write gets a random
  /// Idempotency-Key. Waits at most a minute. Throws: NoResponse.
  Response send(const std::string& method, const std::string& target, const std::string& json = {});

  [[nodiscard]] const std::string& url() const noexcept { return url_; }

 private:
  struct Impl;
  const std::string url_;  // without a slash at the end
  std::unique_ptr<Impl> impl_;
};

/// Returns: `text` as one segment of a path or value of a query.
std::string percent_encoded(std::string_view text);

}  // namespace codasync::api::cli
