#include "api/transport/http.hpp"

#include <array>
#include <charconv>

namespace codasync::api {
namespace {

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "OTHER";
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";  // the phrase has no meaning to programs (RFC 9112 section 4)
  }
}

namespace {

std::size_t size_of(const std::vector<Header>& headers) {
  std::size_t size{0};
  for (const auto& [name, value] : headers) size += name.size() + value.size() + 4;
  return size;
}

void append_status_and_headers(std::string& out, const Response& response) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(response.status));
  out += ' ';
  out += reason_of(response.status);
  out += "\r\n";
  for (const auto& [name, value] : response.headers) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
}

constexpr std::string_view connection_header(bool keep_alive) {
  return keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
}

constexpr std::size_t kFixedParts = 128;  // status line, length, Connection

}  // namespace

std::string serialise(const Response& response, bool keep_alive, bool head_only) {
  const bool bodiless = response.status == 204 || response.status == 304;
  const bool with_body = !bodiless && !head_only;

  std::string out;
  out.reserve(kFixedParts + size_of(response.headers) + (with_body ? response.body.size() : 0));
  append_status_and_headers(out, response);
  if (!bodiless) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  out += connection_header(keep_alive);
  if (with_body) out += response.body;
  return out;
}

std::string serialise_head(const Response& response, StreamFraming framing, bool keep_alive) {
  std::string out;
  out.reserve(kFixedParts + size_of(response.headers));
  append_status_and_headers(out, response);
  if (framing == StreamFraming::chunked) out += "Transfer-Encoding: chunked\r\n";
  out += connection_header(keep_alive);
  return out;
}

std::string serialise_piece(std::string_view piece, StreamFraming framing) {
  if (framing == StreamFraming::closed) return std::string{piece};
  std::array<char, 16> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16).ptr;
  std::string out;
  out.reserve(digits.size() + piece.size() + 4);
  out.append(digits.data(), end);
  out += "\r\n";
  out += piece;
  out += "\r\n";
  return out;
}

std::string_view end_of_body(StreamFraming framing) {
  return framing == StreamFraming::chunked ? "0\r\n\r\n" : "";
}

}  // namespace codasync::api
