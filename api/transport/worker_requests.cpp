#include <sys/socket.h>

#include <utility>
#include <variant>

#include "api/transport/worker.hpp"

// Requests: from the bytes of a socket to the dispatch.

namespace codasync::api::transport {
namespace {

/// The few bytes fit into the empty socket buffer; a client that does not get them sends the body
/// anyway.
void send_continue(const Connection& connection) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  ::send(connection.fd.get(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

void Worker::await_request(Connection& connection) {
  const auto timeout =
      connection.reader.started() ? options_.request_timeout : options_.idle_timeout;
  connection.deadline = Clock::now() + timeout;
}

void Worker::on_readable(Connection& connection) {
  const std::string_view bytes = connection.receive(bytes_);
  if (bytes.empty()) return;
  // Empty lines before a request count, or a client could renew the deadline with them.
  const bool first = !connection.reader.touched();
  connection.reader.feed(bytes);
  if (first) connection.deadline = Clock::now() + options_.request_timeout;
  advance(connection);
}

void Worker::receive_upload(Connection& connection) {
  const std::string_view bytes = connection.receive(bytes_);
  if (bytes.empty()) return;
  connection.reader.feed(bytes);
  continue_upload(connection);
}

/// Gives the service the next piece of a body, or waits for it.
void Worker::continue_upload(Connection& connection) {
  auto step = connection.reader.next_piece();
  if (std::holds_alternative<RequestReader::ExpectsContinue>(step)) {
    send_continue(connection);
  } else if (auto* piece = std::get_if<RequestReader::Piece>(&step)) {
    serve_on(connection);
    connection.upload->add(std::move(piece->bytes));
    if (piece->last) connection.upload->end();
    return;
  } else if (const auto* refusal = std::get_if<Refusal>(&step)) {
    serve_on(connection);
    return connection.upload->fail(*refusal);
  }
  watch(connection, Interest::readable);
}

/// The service has what it waited for. What else arrives is left in the socket.
void Worker::serve_on(Connection& connection) {
  connection.state = Connection::State::serving;
  connection.deadline = Clock::time_point::max();
  watch(connection, Interest::none);
}

void Worker::advance(Connection& connection) {
  while (connection.state == Connection::State::reading && connection.reader.started()) {
    auto step = connection.reader.next();
    if (auto* message = std::get_if<RequestReader::Complete>(&step)) {
      dispatch(connection, std::move(*message));
    } else if (const auto* refusal = std::get_if<Refusal>(&step)) {
      refuse(connection, *refusal);
    } else if (std::holds_alternative<RequestReader::ExpectsContinue>(step)) {
      send_continue(connection);
    } else {
      return;
    }
  }
}

void Worker::dispatch(Connection& connection, RequestReader::Complete message) {
  message.request.arrived = Clock::now();
  dispatched_ = true;
  connection.state = Connection::State::serving;
  connection.deadline = Clock::time_point::max();
  const bool head_only = message.request.method == Method::head;
  const auto framing = message.takes_chunks ? StreamFraming::chunked : StreamFraming::closed;
  if (message.uploads) {
    // The rest of a body that is not read would be taken for the next request.
    message.keep_alive = false;
    watch(connection, Interest::none);
    connection.upload = message.request.upload =
        std::make_shared<Upload>([messages = messages_, id = connection.id] {
          messages->post({id, ResponsePart::Kind::receive, {}});
        });
  }
  const ConnectionId outer = std::exchange(dispatching_, connection.id);
  try {
    dispatch_(std::move(message.request),
              reply_to(connection, message.keep_alive, head_only, framing));
  } catch (...) {
    // It breaks the contract; the destroyed reply has sent 500.
  }
  dispatching_ = outer;
}

}  // namespace codasync::api::transport
