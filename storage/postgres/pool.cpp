#include "storage/postgres/pool.hpp"

namespace codasync::storage::postgres {

Pool::Lease Pool::acquire() {
  const auto asked = Clock::now();
  try {
    return lend(wait_for_place(), asked);
  } catch (...) {
    observer_.on_refused(name_);
    throw;
  }
}

std::optional<Pool::Lease> Pool::try_acquire() {
  const auto asked = Clock::now();
  std::unique_ptr<Connection> idle;
  {
    const std::scoped_lock hold{mutex_};
    if (lent_ == connections_max_) return std::nullopt;
    ++lent_;
    idle = take_idle();
  }
  try {
    return lend(std::move(idle), asked);
  } catch (...) {
    observer_.on_refused(name_);
    throw;
  }
}

Pool::Lease Pool::lend(std::unique_ptr<Connection> idle, Clock::time_point asked) {
  std::unique_ptr<Connection> connection = std::move(idle);
  try {
    // One that the server closed meanwhile (a restart) is replaced before anybody notices.
    if (!connection || !connection->quiet()) {
      connection.reset();
      connection = std::make_unique<Connection>(options_);
    }
  } catch (...) {
    take_back(nullptr);
    throw;
  }
  observer_.on_lent(name_, Clock::now() - asked);
  return Lease{*this, std::move(connection)};
}

std::unique_ptr<Connection> Pool::wait_for_place() {
  const auto deadline = Clock::now() + options_.acquire_timeout;
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
  return take_idle();
}

std::unique_ptr<Connection> Pool::take_idle() {
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
