#include "storage/postgres/pool.hpp"

#include <chrono>

namespace codasync::storage::postgres {

Pool::Lease Pool::acquire() {
  const auto asked = std::chrono::steady_clock::now();
  try {
    Lease lease{*this, connect_or_reuse()};
    observer_.on_lent(name_, std::chrono::steady_clock::now() - asked);
    return lease;
  } catch (...) {
    observer_.on_refused(name_);
    throw;
  }
}

std::unique_ptr<Connection> Pool::connect_or_reuse() {
  std::unique_ptr<Connection> connection = reserve();
  // One that the server closed meanwhile (a restart) is replaced before anybody notices.
  if (connection && connection->quiet()) return connection;
  try {
    connection.reset();
    return std::make_unique<Connection>(options_);
  } catch (...) {
    take_back(nullptr);
    throw;
  }
}

std::unique_ptr<Connection> Pool::reserve() {
  const auto deadline = std::chrono::steady_clock::now() + options_.acquire_timeout;
  std::unique_lock hold{mutex_};
  if (lent_ == connections_max_) {
    if (waiters_ >= options_.waiters_max) {
      throw Unavailable{"queue", "too many requests wait for a connection"};
    }
    ++waiters_;
    const bool free =
        freed_.wait_until(hold, deadline, [this] { return lent_ < connections_max_; });
    --waiters_;
    if (!free) throw Unavailable{"queue", "no connection became free in time"};
  }
  ++lent_;
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void Pool::take_back(std::unique_ptr<Connection> connection) noexcept {
  if (connection) observer_.on_returned(name_);  // without one, none was lent
  {
    const std::scoped_lock hold{mutex_};
    --lent_;
    if (connection && connection->usable()) idle_.push_back(std::move(connection));
  }
  freed_.notify_one();
}

}  // namespace codasync::storage::postgres
