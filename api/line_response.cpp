#include "api/line_response.hpp"

#include <chrono>
#include <thread>

namespace codasync::api {

using namespace std::chrono_literals;

constexpr auto kPause = 1ms;  // until a client that reads slowly has taken something

bool send_piece(std::string_view piece, ResponseStream& body) {
  constexpr std::size_t kSliceBytes = kStreamBufferBytes / 4;
  while (!piece.empty()) {
    const auto slice = piece.substr(0, kSliceBytes);
    while (!body.write(slice)) {
      if (body.client_gone()) return false;
      std::this_thread::sleep_for(kPause);
    }
    piece.remove_prefix(slice.size());
  }
  return true;
}

void await_taken(const ResponseStream& body) {
  while (!body.all_taken() && !body.client_gone()) std::this_thread::sleep_for(kPause);
}

bool LineResponse::send(std::string_view lines) {
  if (!body_) body_ = begin_();
  return send_piece(lines, *body_) && !body_->client_gone();
}

void LineResponse::finish() const {
  if (body_) await_taken(*body_);
}

}  // namespace codasync::api
