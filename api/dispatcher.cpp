#include "api/dispatcher.hpp"

#include <memory>
#include <utility>

#include "api/exchange/exchange.hpp"

namespace codasync::api {

void Dispatcher::dispatch(Request request, Reply reply) {
  std::make_shared<Exchange>(service_, std::move(request), std::move(reply))->start();
}

void Dispatcher::flush() { Exchange::flush(service_); }

}  // namespace codasync::api
