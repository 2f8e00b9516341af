#include "api/transport/parser.hpp"

#include <pistache/http.h>

#include <exception>
#include <utility>

namespace codasync::api::transport {
namespace {

Method method_of(Pistache::Http::Method method) {
  switch (method) {
    case Pistache::Http::Method::Get:
      return Method::get;
    case Pistache::Http::Method::Head:
      return Method::head;
    case Pistache::Http::Method::Post:
      return Method::post;
    case Pistache::Http::Method::Put:
      return Method::put;
    case Pistache::Http::Method::Patch:
      return Method::patch;
    case Pistache::Http::Method::Delete:
      return Method::del;
    case Pistache::Http::Method::Options:
      return Method::options;
    default:
      return Method::other;
  }
}

}  // namespace

class Parser::Impl {
 public:
  Pistache::Http::RequestParser parser{2 * kHeadBytesMax};
};

Parser::Parser() : impl_{std::make_unique<Impl>()} {}
Parser::~Parser() = default;

std::optional<Request> Parser::parse(Head& head) {
  auto& parser = impl_->parser;
  parser.reset();
  try {
    if (!parser.feed(head.canonical.data(), head.canonical.size()) ||
        parser.parse() != Pistache::Http::Private::State::Done) {
      return std::nullopt;
    }
  } catch (const std::exception&) {
    return std::nullopt;  // the gate has checked everything but the list of methods
  }

  Request request;
  request.method = method_of(parser.request.method());
  request.path = parser.request.resource();
  request.query = std::move(head.query);
  const auto& found = parser.request.headers().rawList();
  if (found.empty()) return request;
  for (const auto& header : known_headers()) {
    const auto it = found.find(header.parser_name);
    if (it != found.end()) request.*header.target = it->second.value();
  }
  return request;
}

}  // namespace codasync::api::transport
