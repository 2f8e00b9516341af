#include "api/transport/server.hpp"

#include <cassert>
#include <utility>

#include "api/transport/listener.hpp"
#include "api/transport/reactor.hpp"
#include "api/transport/refusal.hpp"
#include "api/transport/worker.hpp"

namespace codasync::api {

using transport::EventHandler;
using transport::Listener;
using transport::Listeners;
using transport::Reactor;
using transport::ServerState;
using transport::Worker;

Reply::Reply(std::shared_ptr<Sink> sink) noexcept : sink_{std::move(sink)} {}

Reply::Reply(Reply&&) noexcept = default;

Reply& Reply::operator=(Reply&& other) noexcept {
  // A replaced sink without a response sends 500 when `other` is destroyed.
  std::swap(sink_, other.sink_);
  return *this;
}

Reply::~Reply() {
  constexpr transport::Refusal kNoResponse{
      500, "internal-error", "An unexpected error occurred. Repeat the request later."};
  if (sink_) sink_->send(to_response(kNoResponse));
}

void Reply::send(Response response) && {
  const auto sink = std::exchange(sink_, nullptr);
  assert(sink && "a response is sent once");
  sink->send(std::move(response));
}

ResponseStream Reply::stream(Response head) && {
  const auto sink = std::exchange(sink_, nullptr);
  assert(sink && "a response is sent once");
  return sink->stream(std::move(head));
}

bool Reply::client_gone() const noexcept { return sink_->client_gone(); }

class Server::Impl {
 public:
  Impl(const ServerOptions& options, const Dispatch& dispatch, const IterationEnd& on_iteration_end,
       const NeedsBody& needs_body, const UploadRule& uploads)
      : state_{std::make_shared<ServerState>()} {
    auto listeners = std::make_shared<std::vector<Listener>>();
    listeners->reserve(options.listen.size());
    const auto if_in_use =
        options.take_over ? transport::IfInUse::take_over : transport::IfInUse::fail;
    for (const auto& address : options.listen) {
      addresses_.push_back(listeners->emplace_back(address, if_in_use).address());
    }
    for (std::size_t i = 0; i < options.workers; ++i) {
      workers_.push_back(std::make_shared<Worker>(options, dispatch, on_iteration_end, needs_body,
                                                  uploads, listeners, state_));
    }
    reactor_ = std::make_unique<Reactor>(
        std::vector<std::shared_ptr<EventHandler>>{workers_.begin(), workers_.end()});
  }

  void start() { reactor_->run(); }

  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }
  [[nodiscard]] std::shared_ptr<const ServerState> state() const { return state_; }

  bool drain(std::chrono::milliseconds limit) {
    state_->draining = true;
    for (const auto& worker : workers_) worker->messages().wake();
    MutexLock lock{state_->mutex};
    return state_->changed.wait_for(lock, limit, [&] {
      return state_->workers_not_listening == workers_.size() && state_->connections == 0;
    });
  }

 private:
  std::shared_ptr<ServerState> state_;
  std::vector<std::string> addresses_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::unique_ptr<Reactor> reactor_;  // destroyed first: its threads use the other members
};

Server::Server(const ServerOptions& options, const Dispatch& dispatch,
               const IterationEnd& on_iteration_end, const NeedsBody& needs_body,
               const UploadRule& uploads)
    : impl_{std::make_unique<Impl>(options, dispatch, on_iteration_end, needs_body, uploads)} {}

Server::~Server() = default;

void Server::start() { impl_->start(); }

std::vector<std::string> Server::addresses() const { return impl_->addresses(); }

bool Server::drain(std::chrono::milliseconds limit) { return impl_->drain(limit); }

std::shared_ptr<const ServerCounters> Server::counters() const { return impl_->state(); }

}  // namespace codasync::api
