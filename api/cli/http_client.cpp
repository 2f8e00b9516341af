#include "api/cli/http_client.hpp"

#include <curl/curl.h>

#include <new>

#include "storage/model/time.hpp"
#include "storage/model/uuid.hpp"

namespace codasync::api::cli {
namespace {

constexpr long kConnectSeconds = 5;
constexpr long kResponseSeconds = 60;
constexpr std::size_t kBodyBytesMax = 64U << 20U;

struct Free {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

std::size_t take_body(const char* bytes, std::size_t size, std::size_t count, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + size * count > kBodyBytesMax) return 0;  // ends the transfer
  text.append(bytes, size * count);
  return size * count;
}

/// Takes the target of the Link header with rel="next", as the service writes it.
std::size_t take_header(const char* bytes, std::size_t size, std::size_t count, void* next) {
  std::string line{bytes, size * count};
  const auto colon = line.find(':');
  std::string name = line.substr(0, colon);
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const auto begin = line.find('<');
  const auto end = line.find(">; rel=\"next\"");
  if (name == "link" && begin != std::string::npos && end != std::string::npos && begin < end)
    *static_cast<std::string*>(next) = line.substr(begin + 1, end - begin - 1);
  return size * count;
}

/// Returns: the address as the commands need it: without the base path of the API, which theirs
/// have.
std::string without_base_path(std::string url) {
  constexpr std::string_view kBasePath{"/api/v1"};
  while (url.ends_with('/')) url.pop_back();
  if (url.ends_with(kBasePath)) url.resize(url.size() - kBasePath.size());
  return url;
}

/// Returns: what to do about a failure, in this program's words.
std::string explain(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return "it is not an address such as https://shop.example";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "its host name is unknown";
    case CURLE_COULDNT_CONNECT:
      return "nothing listens there";
    case CURLE_OPERATION_TIMEDOUT:
      return "there was no response in time";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return "its certificate is not valid for this address";
    case CURLE_SSL_CONNECT_ERROR:
      return "TLS could not be agreed on";
    case CURLE_WRITE_ERROR:
      return "the response is larger than 64 MB";
    default:
      return "the connection was lost";
  }
}

}  // namespace

struct HttpClient::Impl {
  std::unique_ptr<CURL, Free> handle{curl_easy_init()};
  std::string authorization;
};

HttpClient::HttpClient(std::string url, const std::string& token)
    : url_{without_base_path(std::move(url))}, impl_{std::make_unique<Impl>()} {
  if (!impl_->handle) throw std::bad_alloc{};
  if (!url_.starts_with("http://") && !url_.starts_with("https://"))
    throw NoResponse{"The service at " + url_ +
                     " cannot be reached: " + explain(CURLE_URL_MALFORMAT) + "."};
  if (!token.empty()) impl_->authorization = "Authorization: Bearer " + token;
}

HttpClient::~HttpClient() = default;

HttpClient::Response HttpClient::send(const std::string& method, const std::string& target,
                                      const std::string& json) {
  CURL* const handle = impl_->handle.get();
  Response response;
  curl_easy_reset(handle);  // keeps the connection
  std::unique_ptr<curl_slist, Free> headers;
  const auto add_header = [&](const std::string& line) {
    auto* const longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc{};
    static_cast<void>(headers.release());
    headers.reset(longer);
  };
  if (!impl_->authorization.empty()) add_header(impl_->authorization);
  add_header("Accept: application/json");
  add_header("Content-Type: application/json");
  if (method != "GET") add_header("Idempotency-Key: " + to_string(Uuid::v7(now())));
  const std::string address = url_ + target;
  curl_easy_setopt(handle, CURLOPT_URL, address.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "codasync/" CODASYNC_VERSION);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, kResponseSeconds);
  if (!json.empty()) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, json.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(json.size()));
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &response.body);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &take_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &response.next_page);
  const auto code = curl_easy_perform(handle);
  if (code != CURLE_OK)
    throw NoResponse{"The service at " + url_ + " cannot be reached: " + explain(code) + "."};
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return response;
}

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  static constexpr std::string_view kPlain = "-._~,:";
  std::string encoded;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter || (c >= '0' && c <= '9') || kPlain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return encoded;
}

}  // namespace codasync::api::cli
