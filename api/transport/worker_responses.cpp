#include <sys/socket.h>

#include <utility>

#include "api/transport/worker.hpp"

// Responses: from a Reply on any thread to the socket.

namespace codasync::api::transport {
namespace {

using namespace std::chrono_literals;

constexpr auto kLinger = 1s;

}  // namespace

/// Has its connection's id and shares the queue: may outlive the connection, the worker and the
/// server.
class Worker::Sink final : public Reply::Sink {
 public:
  Sink(const Worker& worker, const Connection& connection, bool keep_alive, bool head_only,
       StreamFraming framing)
      : messages_{worker.messages_},
        state_{worker.state_},
        shared_{connection.shared},
        connection_{connection.id},
        keep_alive_{keep_alive},
        head_only_{head_only},
        framing_{framing} {
    ++state_->requests_in_flight;
  }

  void send(Response response) override {
    const bool keep_alive = keep_alive_ && !state_->draining;
    ResponsePart part{connection_, ResponsePart::Kind::whole,
                      serialise(response, keep_alive, head_only_), keep_alive};
    --state_->requests_in_flight;
    // The queues are compared, not the workers: the queue exists, so its address is unique.
    if (on_this_thread_ != nullptr && on_this_thread_->messages_ == messages_) {
      on_this_thread_->respond(std::move(part));
    } else {
      messages_->post(std::move(part));
    }
  }

  ResponseStream stream(Response head) override;

  [[nodiscard]] bool client_gone() const noexcept override { return shared_->gone; }

 private:
  std::shared_ptr<MessageQueue<ResponsePart>> messages_;
  std::shared_ptr<ServerState> state_;
  std::shared_ptr<Connection::Shared> shared_;
  ConnectionId connection_;
  bool keep_alive_;
  bool head_only_;
  StreamFraming framing_;
};

/// Always posts, also on the connection's own thread, so that the pieces stay in order.
class Worker::StreamSink final : public ResponseStream::Sink {
 public:
  StreamSink(std::shared_ptr<MessageQueue<ResponsePart>> messages,
             std::shared_ptr<Connection::Shared> shared, ConnectionId connection,
             StreamFraming framing)
      : messages_{std::move(messages)},
        shared_{std::move(shared)},
        connection_{connection},
        framing_{framing} {}

  StreamSink(const StreamSink&) = delete;
  StreamSink& operator=(const StreamSink&) = delete;
  ~StreamSink() override {
    if (!shared_->gone && !cut_off_)
      post(ResponsePart::Kind::end, std::string{end_of_body(framing_)});
  }

  void cut_off() noexcept override {
    cut_off_ = true;
    if (!shared_->gone) post(ResponsePart::Kind::cut_off, {});
  }

  void post(ResponsePart::Kind kind, std::string bytes) {
    shared_->waiting += bytes.size();
    messages_->post({connection_, kind, std::move(bytes)});
  }

  bool write(std::string_view piece) override {
    auto bytes = serialise_piece(piece, framing_);
    // Only the worker changes it meanwhile, and it only makes it less.
    if (shared_->gone || shared_->waiting + bytes.size() > kStreamBufferBytes) return false;
    post(ResponsePart::Kind::piece, std::move(bytes));
    return true;
  }

  [[nodiscard]] std::size_t waiting() const noexcept override { return shared_->waiting; }
  [[nodiscard]] bool client_gone() const noexcept override { return shared_->gone; }

 private:
  std::shared_ptr<MessageQueue<ResponsePart>> messages_;
  std::shared_ptr<Connection::Shared> shared_;
  ConnectionId connection_;
  StreamFraming framing_;
  bool cut_off_{false};
};

ResponseStream Worker::Sink::stream(Response head) {
  --state_->requests_in_flight;
  if (head_only_) {
    const bool keep_alive = keep_alive_ && !state_->draining;
    messages_->post({connection_, ResponsePart::Kind::whole,
                     serialise_head(head, framing_, keep_alive), keep_alive});
    return ResponseStream{nullptr};
  }
  auto sink = std::make_unique<StreamSink>(messages_, shared_, connection_, framing_);
  sink->post(ResponsePart::Kind::head, serialise_head(head, framing_, false));
  return ResponseStream{std::move(sink)};
}

Reply Worker::reply_to(const Connection& connection, bool keep_alive, bool head_only,
                       StreamFraming framing) {
  return Reply{std::make_shared<Sink>(*this, connection, keep_alive, head_only, framing)};
}

void Worker::drain_messages() {
  messages_->drain(drained_);
  for (auto& part : drained_) respond(std::move(part));
  drained_.clear();
}

void Worker::respond(ResponsePart part) {
  const auto it = connections_.find(part.connection);
  if (it == connections_.end()) return;  // the client is gone
  Connection& connection = *it->second;
  switch (part.kind) {
    case ResponsePart::Kind::whole:
      start_response(connection, std::move(part.bytes), part.keep_alive);
      if (part.connection != dispatching_) to_advance_.push_back(part.connection);
      return;
    case ResponsePart::Kind::head:
      start_stream(connection, std::move(part.bytes));
      break;
    case ResponsePart::Kind::piece:
      connection.append(part.bytes);
      continue_stream(connection);
      break;
    case ResponsePart::Kind::end:
      connection.append(part.bytes);
      connection.state = Connection::State::ending;
      connection.deadline = Clock::now() + kLinger;
      continue_stream(connection);
      break;
    case ResponsePart::Kind::cut_off:
      connection.state = Connection::State::closed;
      break;
    case ResponsePart::Kind::receive:
      connection.state = Connection::State::receiving;
      connection.deadline = Clock::now() + options_.request_timeout;
      continue_upload(connection);
      break;
  }
  remove_if_closed(connection);
}

/// A stream is the last response of its connection.
void Worker::start_stream(Connection& connection, std::string head) {
  connection.state = Connection::State::streaming;
  connection.keep_alive = false;
  connection.out = std::move(head);
  connection.sent = 0;
  continue_stream(connection);
}

void Worker::continue_stream(Connection& connection) {
  const bool ending = connection.state == Connection::State::ending;
  const std::size_t before = connection.sent;
  if (!connection.transmit()) {
    connection.state = Connection::State::closed;
  } else if (!connection.all_sent()) {
    // A piece that was added is no progress of the client.
    const bool waited = connection.interest == Interest::writable;
    if (!ending && (!waited || connection.sent > before))
      connection.deadline = Clock::now() + options_.write_timeout;
    watch(connection, Interest::writable);
  } else if (ending) {
    after_response(connection);
  } else {
    connection.out = {};
    connection.sent = 0;
    connection.deadline = Clock::time_point::max();
    watch(connection, Interest::readable);
  }
}

void Worker::refuse(Connection& connection, const Refusal& refusal) {
  start_response(connection, serialise(to_response(refusal), false), false);
}

void Worker::start_response(Connection& connection, std::string bytes, bool keep_alive) {
  connection.state = Connection::State::writing;
  connection.out = std::move(bytes);
  connection.sent = 0;
  connection.keep_alive = keep_alive;
  continue_writing(connection);
}

void Worker::continue_writing(Connection& connection) {
  if (!connection.transmit()) {
    connection.state = Connection::State::closed;
  } else if (connection.all_sent()) {
    after_response(connection);
  } else {
    connection.deadline = Clock::now() + options_.write_timeout;
    watch(connection, Interest::writable);
  }
}

void Worker::after_response(Connection& connection) {
  connection.out = {};
  watch(connection, Interest::readable);
  if (connection.keep_alive) {
    connection.state = Connection::State::reading;
    await_request(connection);
    return;
  }
  // RFC 9112 section 9.6: closing with unread bytes would reset the connection, and the response
  // could be lost.
  ::shutdown(connection.fd.get(), SHUT_WR);
  connection.state = Connection::State::lingering;
  connection.deadline = Clock::now() + kLinger;
}

void Worker::discard(Connection& connection) { connection.receive(bytes_); }

}  // namespace codasync::api::transport
