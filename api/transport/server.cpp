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
using transport::Tally;
using transport::Worker;

Reply::Reply(std::shared_ptr<Sink> sink) noexcept : sink_{std::move(sink)} {}

Reply::Reply(Reply&&) noexcept = default;

Reply& Reply::operator=(Reply&& other) noexcept {
  std::swap(sink_,
            other.sink_);  // one that is replaced unanswered still answers, when `other` goes
  return *this;
}

Reply::~Reply() {
  constexpr transport::Refusal kUnanswered{
      500, "internal-error", "The service failed in a way it should not; trying again may help."};
  if (sink_) sink_->send(to_response(kUnanswered));
}

void Reply::send(Response response) && {
  const auto sink = std::exchange(sink_, nullptr);
  assert(sink && "an answer is sent once");
  sink->send(std::move(response));
}

class Server::Impl {
 public:
  Impl(const ServerOptions& options, const Dispatch& dispatch, const TurnEnd& turn_end)
      : tally_{std::make_shared<Tally>()} {
    auto listeners = std::make_shared<std::vector<Listener>>();
    listeners->reserve(options.listen.size());
    for (const auto& address : options.listen) {
      addresses_.push_back(listeners->emplace_back(address).address());
    }
    for (std::size_t i = 0; i < options.workers; ++i) {
      workers_.push_back(std::make_shared<Worker>(options, dispatch, turn_end, listeners, tally_));
    }
    reactor_ = std::make_unique<Reactor>(
        std::vector<std::shared_ptr<EventHandler>>{workers_.begin(), workers_.end()});
  }

  void start() { reactor_->run(); }

  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }
  [[nodiscard]] const Tally& tally() const { return *tally_; }

  bool drain(std::chrono::milliseconds limit) {
    tally_->draining = true;
    for (const auto& worker : workers_) worker->mailbox().wake();
    std::unique_lock lock{tally_->mutex};
    return tally_->changed.wait_for(lock, limit, [&] {
      return tally_->deaf_workers == workers_.size() && tally_->connections == 0;
    });
  }

 private:
  std::shared_ptr<Tally> tally_;
  std::vector<std::string> addresses_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::unique_ptr<Reactor> reactor_;  // its threads end before anything they use
};

Server::Server(ServerOptions options, Dispatch dispatch, TurnEnd turn_end)
    : impl_{std::make_unique<Impl>(options, dispatch, turn_end)} {}

Server::~Server() = default;

void Server::start() { impl_->start(); }

std::vector<std::string> Server::addresses() const { return impl_->addresses(); }

bool Server::drain(std::chrono::milliseconds limit) { return impl_->drain(limit); }

std::size_t Server::open_connections() const noexcept { return impl_->tally().connections; }

std::size_t Server::requests_in_flight() const noexcept { return impl_->tally().in_flight; }

}  // namespace codasync::api
