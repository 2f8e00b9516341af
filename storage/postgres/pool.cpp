#include "storage/postgres/pool.hpp"

namespace codasync::storage::postgres {

Pool::Lease Pool::acquire() {
  const auto requested = Clock::now();
  try {
    return lend(wait_for_place(), requested);
  } catch (...) {
    observer_.on_refused(name_);
    throw;
  }
}

std::optional<Pool::Lease> Pool::try_acquire() {
  const auto requested = Clock::now();
  std::unique_ptr<Connection> idle;
  {
    const MutexLock hold{mutex_};
    if (lent_ == connections_max_) return std::nullopt;
    ++lent_;
    idle = take_idle();
  }
  try {
    return lend(std::move(idle), requested);
  } catch (...) {
    observer_.on_refused(name_);
    throw;
  }
}

Pool::Lease Pool::lend(std::unique_ptr<Connection> idle, Clock::time_point requested) {
  std::unique_ptr<Connection> connection = std::move(idle);
  try {
    // A connection that the server closed while idle (a restart) is replaced here.
    if (!connection || !connection->quiet()) {
      connection.reset();
      connection = std::make_unique<Connection>(options_);
    }
  } catch (...) {
    release(nullptr);
    throw;
  }
  observer_.on_lent(name_, Clock::now() - requested);
  return Lease{*this, std::move(connection)};
}

std::unique_ptr<Connection> Pool::wait_for_place() {
  const auto deadline = Clock::now() + options_.acquire_timeout;
  MutexLock hold{mutex_};
  if (lent_ == connections_max_) {
    if (waiters_ >= options_.waiters_max) {
      throw Unavailable{"queue", "too many requests wait for a connection"};
    }
    ++waiters_;
    const bool free = freed_.wait_until(
        hold, deadline, [this]() CODASYNC_REQUIRES(mutex_) { return lent_ < connections_max_; });
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

void Pool::release(std::unique_ptr<Connection> connection) noexcept {
  if (connection) observer_.on_returned(name_);  // nullptr: on_lent() was not called
  {
    const MutexLock hold{mutex_};
    --lent_;
    if (connection && connection->usable()) idle_.push_back(std::move(connection));
  }
  freed_.notify_one();
}

}  // namespace codasync::storage::postgres
