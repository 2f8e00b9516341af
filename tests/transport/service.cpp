#include "tests/transport/service.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace codasync::test {

using api::Reply;
using api::Request;
using api::Response;
using namespace std::chrono_literals;

Pool::Pool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Pool::~Pool() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Pool::post(std::function<void()> work) {
  {
    const std::lock_guard lock{mutex_};
    work_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void Pool::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !work_.empty(); });
    if (work_.empty()) return;
    const auto work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

api::ServerOptions Service::small() {
  api::ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  options.request_timeout = options.idle_timeout = options.write_timeout = 60s;
  return options;
}

Service::Service(api::ServerOptions options)
    : server_{std::make_unique<api::Server>(
          std::move(options),
          [this](Request request, Reply reply) { dispatch(std::move(request), std::move(reply)); },
          [] {}, [](const Request& head) { return !head.path.starts_with("/now/"); })},
      address_{server_->addresses().front()} {
  server_->start();
}

Service::~Service() {
  server_.reset();  // it dispatches into the members that are destroyed next
}

void Service::await_held(std::size_t count) {
  std::unique_lock lock{mutex_};
  const bool enough = changed_.wait_for(lock, 10s, [&] { return held_.size() >= count; });
  EXPECT_TRUE(enough) << "requests held: " << held_.size();
}

std::size_t Service::held_without_client() {
  const std::lock_guard lock{mutex_};
  return static_cast<std::size_t>(std::count_if(
      held_.begin(), held_.end(), [](const Reply& reply) { return reply.client_gone(); }));
}

void Service::release(const std::string& body) {
  std::vector<Reply> held;
  {
    const std::lock_guard lock{mutex_};
    held.swap(held_);
  }
  for (auto& reply : held) std::move(reply).send(Response{200, {}, body});
}

std::vector<api::ResponseStream> Service::take_streams(std::size_t count) {
  std::unique_lock lock{mutex_};
  const bool enough = changed_.wait_for(lock, 10s, [&] { return streams_.size() >= count; });
  EXPECT_TRUE(enough) << "streams: " << streams_.size();
  return std::exchange(streams_, {});
}

void Service::dispatch(Request request, Reply reply) {
  const auto rest = [&](std::string_view prefix) { return request.path.substr(prefix.size()); };
  if (request.path.starts_with("/now/")) {
    std::move(reply).send(Response{200, {}, rest("/now/")});
  } else if (request.path.starts_with("/pool/")) {
    auto shared = std::make_shared<Reply>(std::move(reply));
    pool_.post([shared, body = rest("/pool/")] {
      std::move(*shared).send(Response{200, {}, body});
    });
  } else if (request.path.starts_with("/big/")) {
    std::move(reply).send(Response{200, {}, std::string(std::stoul(rest("/big/")), 'x')});
  } else if (request.path.starts_with("/status/")) {
    std::move(reply).send(Response{std::stoi(rest("/status/")), {{"X-Test", "yes"}}, "body"});
  } else if (request.path == "/hold") {
    const std::lock_guard lock{mutex_};
    held_.push_back(std::move(reply));
    changed_.notify_all();
  } else if (request.path == "/stream") {
    const std::lock_guard lock{mutex_};
    streams_.push_back(std::move(reply).stream(Response{200, {{"X-Test", "yes"}}, {}}));
    changed_.notify_all();
  } else if (request.path == "/throw") {
    throw std::runtime_error{"a secret"};
  } else if (request.path != "/drop") {
    std::string seen = "method=" + std::string{api::name_of(request.method)};
    seen += "\npath=" + request.path + "\nquery=" + request.query + "\nbody=" + request.body;
    seen += "\ntype=" + request.content_type;
    seen += "\nauthorization=" + request.authorization + "\nid=" + request.request_id;
    seen += "\nmatch=" + request.if_match.value_or("absent") + "\nnone=" + request.if_none_match;
    seen += "\nkey=" + request.idempotency_key.value_or("absent") +
            "\ntrace=" + request.traceparent + "\n";
    seen += "event=" + request.last_event_id + "\n";
    seen += "missed=" + std::string{request.cache_missed ? "yes" : "no"} + "\n";
    seen += "malformed=" + std::string{request.cache_malformed ? "yes" : "no"} + "\n";
    seen += "host=" + request.host + "\nhttps=" + (request.https ? "yes" : "no") + "\n";
    seen += "cookie=" + request.cookie + "\nsite=" + request.sec_fetch_site + "\n";
    std::move(reply).send(Response{200, {}, seen});
  }
}

}  // namespace codasync::test
