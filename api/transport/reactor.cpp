#include "api/transport/reactor.hpp"

#include <pistache/reactor.h>

#include <exception>
#include <utility>

namespace codasync::api::transport {
namespace {

namespace polling = Pistache::Polling;

using Flags = Pistache::Flags<polling::NotifyOn>;

Flags flags_of(Interest interest) {
  switch (interest) {
    case Interest::writable:
      return Flags{polling::NotifyOn::Write};
    case Interest::none:
      return Flags{polling::NotifyOn::None};
    default:
      return Flags{polling::NotifyOn::Read};
  }
}

polling::Mode mode_of(Interest interest) {
  const bool edge = interest == Interest::readable_edge || interest == Interest::none;
  return edge ? polling::Mode::Edge : polling::Mode::Level;
}

class EpollPoller final : public Poller {
 public:
  explicit EpollPoller(polling::Epoll& epoll) : epoll_{epoll} {}

  bool add(int fd, std::uint64_t tag, Interest interest) override {
    try {
      epoll_.addFd(fd, flags_of(interest), polling::Tag{tag}, mode_of(interest));
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  void change(int fd, std::uint64_t tag, Interest interest) override {
    epoll_.rearmFd(fd, flags_of(interest), polling::Tag{tag}, mode_of(interest));
  }

  void remove(int fd) override {
    try {
      epoll_.removeFd(fd);
    } catch (const std::exception&) {
      // It was not watched.
    }
  }

 private:
  polling::Epoll& epoll_;
};

/// Passes Pistache's events to one EventHandler. It is the only handler of its loop, so Pistache
/// does not change the tags.
class Bridge final : public Pistache::Aio::Handler {
 public:
  explicit Bridge(std::shared_ptr<EventHandler> handler) : handler_{std::move(handler)} {}

  void registerPoller(polling::Epoll& epoll) override {
    poller_ = std::make_unique<EpollPoller>(epoll);
    handler_->attach(*poller_);
  }

  void onReady(const Pistache::Aio::FdSet& events) override {
    // By index: the set has no const iteration over non-const entries.
    for (std::size_t i = 0; i < events.size(); ++i) {
      handler_->on_event(events[i].getTag().value(),
                         {events[i].isWritable(), events[i].isHangup()});
    }
    handler_->on_iteration_end();
  }

  std::shared_ptr<Pistache::Aio::Handler> clone() const override {
    return std::make_shared<Bridge>(handler_);
  }

 private:
  std::shared_ptr<EventHandler> handler_;
  std::unique_ptr<EpollPoller> poller_;
};

/// Pistache gives each loop a clone of one handler. The handlers here differ, so each clone() takes
/// the next of the list.
class Bridges final : public Pistache::Aio::Handler {
 public:
  explicit Bridges(std::vector<std::shared_ptr<EventHandler>> handlers)
      : handlers_{std::move(handlers)} {}

  void registerPoller(polling::Epoll&) override {}
  void onReady(const Pistache::Aio::FdSet&) override {}
  std::shared_ptr<Pistache::Aio::Handler> clone() const override {
    return std::make_shared<Bridge>(handlers_.at(next_++));
  }

 private:
  std::vector<std::shared_ptr<EventHandler>> handlers_;
  mutable std::size_t next_{0};
};

}  // namespace

class Reactor::Impl {
 public:
  Pistache::Aio::Reactor reactor;
};

Reactor::Reactor(std::vector<std::shared_ptr<EventHandler>> handlers)
    : impl_{std::make_unique<Impl>()} {
  impl_->reactor.init(Pistache::Aio::AsyncContext{handlers.size(), "codasync-http"});
  impl_->reactor.addHandler(std::make_shared<Bridges>(std::move(handlers)));
}

Reactor::~Reactor() { impl_->reactor.shutdown(); }

void Reactor::run() { impl_->reactor.run(); }

}  // namespace codasync::api::transport
