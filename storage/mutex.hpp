#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <stop_token>

// Which mutex guards which data, as attributes that Clang's -Wthread-safety checks
// (tests/tidy/thread_safety.py). They are empty for GCC.
#if defined(__clang__)
#define CODASYNC_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define CODASYNC_THREAD_SAFETY(attribute)
#endif

/// A member: is only used while the mutex is held.
#define CODASYNC_GUARDED_BY(mutex) CODASYNC_THREAD_SAFETY(guarded_by(mutex))
/// A function, also a lambda: is only called while the mutex is held.
#define CODASYNC_REQUIRES(mutex) CODASYNC_THREAD_SAFETY(requires_capability(mutex))

namespace codasync {

/// A std::mutex that the analysis can see.
class CODASYNC_THREAD_SAFETY(capability("mutex")) Mutex {
 private:
  friend class MutexLock;
  std::mutex mutex_;
};

/// Holds a mutex for a block.
class CODASYNC_THREAD_SAFETY(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CODASYNC_THREAD_SAFETY(acquire_capability(mutex))
      : lock_{mutex.mutex_} {}
  ~MutexLock() CODASYNC_THREAD_SAFETY(release_capability()) {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  friend class Condition;
  friend class StoppableCondition;
  std::unique_lock<std::mutex> lock_;
};

/// A std::shared_mutex that the analysis can see.
class CODASYNC_THREAD_SAFETY(capability("mutex")) SharedMutex {
 private:
  friend class ReaderLock;
  friend class WriterLock;
  std::shared_mutex mutex_;
};

/// Holds a shared mutex for a block, together with other readers.
class CODASYNC_THREAD_SAFETY(scoped_lockable) ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) CODASYNC_THREAD_SAFETY(acquire_shared_capability(mutex))
      : lock_{mutex.mutex_} {}
  ~ReaderLock() CODASYNC_THREAD_SAFETY(release_capability()) {}
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  std::shared_lock<std::shared_mutex> lock_;
};

/// Holds a shared mutex for a block, alone.
class CODASYNC_THREAD_SAFETY(scoped_lockable) WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) CODASYNC_THREAD_SAFETY(acquire_capability(mutex))
      : lock_{mutex.mutex_} {}
  ~WriterLock() CODASYNC_THREAD_SAFETY(release_capability()) {}
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  std::unique_lock<std::shared_mutex> lock_;
};

/// A std::condition_variable for Mutex. The lock is held whenever `ready` is called, and after the
/// wait; `ready` is a lambda with CODASYNC_REQUIRES.
class Condition {
 public:
  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }

  template <class Ready>
  void wait(MutexLock& hold, Ready ready) {
    condition_.wait(hold.lock_, ready);
  }

  /// Returns: whether `ready` was true before the end of the time, measured by the steady clock.
  template <class Rep, class Period, class Ready>
  bool wait_for(MutexLock& hold, std::chrono::duration<Rep, Period> timeout, Ready ready) {
    return condition_.wait_for(hold.lock_, timeout, ready);
  }

  /// Returns: whether `ready` was true before `deadline`.
  template <class Ready>
  bool wait_until(MutexLock& hold, std::chrono::steady_clock::time_point deadline, Ready ready) {
    return condition_.wait_until(hold.lock_, deadline, ready);
  }

 private:
  std::condition_variable condition_;
};

/// A Condition whose waits also end when a stop is requested. It has a mutex of its own, which
/// costs more than Condition.
class StoppableCondition {
 public:
  void notify_one() noexcept { condition_.notify_one(); }

  template <class Ready>
  void wait(MutexLock& hold, const std::stop_token& stop, Ready ready) {
    condition_.wait(hold.lock_, stop, ready);
  }
  template <class Rep, class Period, class Ready>
  void wait_for(MutexLock& hold, const std::stop_token& stop,
                std::chrono::duration<Rep, Period> timeout, Ready ready) {
    condition_.wait_for(hold.lock_, stop, timeout, ready);
  }

 private:
  std::condition_variable_any condition_;
};

}  // namespace codasync
