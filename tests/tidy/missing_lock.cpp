#include "storage/mutex.hpp"

// Each line with the word `found` lacks a lock: thread_safety.py checks that Clang reports these
// lines and no other. No target compiles this file.
namespace codasync::test {

class Counter {
 public:
  void add() {
    const MutexLock hold{mutex_};
    ++count_;
    locked_add();
  }
  void add_without_lock() { ++count_; }                     // found
  [[nodiscard]] int read_without_lock() { return count_; }  // found
  void call_without_lock() { locked_add(); }                // found
  void use_after_the_block() {
    { const MutexLock hold{mutex_}; }
    ++count_;  // found
  }
  void use_the_wrong_mutex() {
    const MutexLock hold{other_};
    ++count_;  // found
  }
  void lock_twice() {
    const MutexLock hold{mutex_};
    const MutexLock again{mutex_};  // found
  }

  void wait() {
    MutexLock hold{mutex_};
    condition_.wait(hold, [this]() CODASYNC_REQUIRES(mutex_) { return count_ > 0; });
  }
  void wait_without_attribute() {
    MutexLock hold{mutex_};
    condition_.wait(hold, [this] { return count_ > 0; });  // found
  }
  void call_a_lambda_without_lock() {
    const auto ready = [this]() CODASYNC_REQUIRES(mutex_) { return count_ > 0; };
    ready();  // found
  }

 private:
  void locked_add() CODASYNC_REQUIRES(mutex_) { ++count_; }

  Mutex mutex_;
  Mutex other_;
  Condition condition_;
  int count_ CODASYNC_GUARDED_BY(mutex_){0};
};

class SharedCounter {
 public:
  [[nodiscard]] int read() {
    const ReaderLock hold{mutex_};
    return count_;
  }
  void add() {
    const WriterLock hold{mutex_};
    ++count_;
  }
  [[nodiscard]] int read_without_lock() { return count_; }  // found
  void add_as_reader() {
    const ReaderLock hold{mutex_};
    ++count_;  // found
  }

 private:
  SharedMutex mutex_;
  int count_ CODASYNC_GUARDED_BY(mutex_){0};
};

}  // namespace codasync::test
