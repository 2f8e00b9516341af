#include "api/transport/parser.hpp"

#include <pistache/http.h>

#include <exception>

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

bool Parser::parse(Head& head) {
  auto& parser = impl_->parser;
  parser.reset();
  try {
    if (!parser.feed(head.line.data(), head.line.size()) ||
        parser.parse() != Pistache::Http::Private::State::Done) {
      return false;
    }
  } catch (const std::exception&) {
    return false;  // the gate has checked everything but the list of methods
  }
  head.request.method = method_of(parser.request.method());
  head.request.path = parser.request.resource();
  return true;
}

}  // namespace codasync::api::transport
