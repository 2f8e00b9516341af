#include "tests/support/tcp_gate.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <system_error>
#include <vector>

namespace codasync::test {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// Returns: a listening socket on `port`; 0: any free port.
int listen_on(std::uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(descriptor, 1024) != 0) {
    fail("listen");
  }
  return descriptor;
}

std::uint16_t port_of(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    fail("getsockname");
  return ntohs(address.sin_port);
}

/// Returns: a connection to the target, or -1.
int connect_to(const std::string& target) {
  sockaddr_un local{};
  sockaddr_in remote{};
  const bool is_local = target.starts_with("unix:");
  if (is_local) {
    local.sun_family = AF_UNIX;
    target.substr(5).copy(local.sun_path, sizeof local.sun_path - 1);
  } else {
    const auto colon = target.rfind(':');
    remote = loopback(static_cast<std::uint16_t>(std::stoi(target.substr(colon + 1))));
    inet_pton(AF_INET, target.substr(0, colon).c_str(), &remote.sin_addr);
  }
  const auto* address = is_local ? reinterpret_cast<const sockaddr*>(&local)
                                 : reinterpret_cast<const sockaddr*>(&remote);
  const socklen_t size = is_local ? sizeof local : sizeof remote;
  const int descriptor = socket(is_local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(descriptor, address, size) == 0) return descriptor;
  close(descriptor);
  return -1;
}

constexpr std::chrono::milliseconds kDelay{10};

/// Closes with RST, so that the peer sees a broken connection and not a regular end.
void reset(int descriptor) {
  const linger now{1, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(descriptor);
}

struct Link {
  int client;
  int target;
};

}  // namespace

/// The thread that owns all sockets. Other threads send it tasks.
class TcpGate::Worker {
 public:
  explicit Worker(std::string target)
      : target_{std::move(target)}, listener_{listen_on(0)}, port_{port_of(listener_)} {
    wake_ = eventfd(0, EFD_CLOEXEC);
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
  }

  ~Worker() {
    // The task itself requests the stop: a thread that stops earlier does not run the task, and
    // run_there() does not return.
    run_there([this] {
      set(Mode::refuse);
      thread_.request_stop();
    });
    thread_.join();
    close(wake_);
  }

  /// Runs `task` on the gate's thread and waits for its end.
  void run_there(std::function<void()> task) {
    std::promise<void> done;
    {
      const std::scoped_lock hold{mutex_};
      tasks_.push_back([&] {
        task();
        done.set_value();
      });
    }
    const std::uint64_t one = 1;
    if (write(wake_, &one, sizeof one) != sizeof one) fail("eventfd");
    done.get_future().wait();
  }

  void set(Mode mode) {
    mode_ = mode;
    if (mode == Mode::refuse) {
      cut_all();
      if (listener_ >= 0) close(listener_);
      listener_ = -1;
    } else if (listener_ < 0) {
      listener_ = listen_on(port_);
    }
  }

  void cut_all() {
    for (const Link& link : links_) cut(link);
    links_.clear();
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::size_t accepted() const noexcept { return accepted_; }

 private:
  static void cut(const Link& link) {
    reset(link.client);
    reset(link.target);
  }

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<pollfd> waiting{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
      const bool stalled = mode_ == Mode::stall;
      const bool mute = stalled || mode_ == Mode::one_way;
      for (const Link& link : links_) {
        // poll() skips a negative descriptor. Otherwise a stalled link would spin on POLLHUP.
        waiting.push_back({stalled ? -1 : link.client, POLLIN, 0});
        waiting.push_back({mute ? -1 : link.target, POLLIN, 0});
      }
      poll(waiting.data(), waiting.size(), -1);
      if (mode_ == Mode::delay) std::this_thread::sleep_for(kDelay);
      std::size_t next = 2;
      for (auto link = links_.begin(); link != links_.end(); next += 2) {
        const bool alive = (waiting[next].revents == 0 || move(link->client, link->target)) &&
                           (waiting[next + 1].revents == 0 || move(link->target, link->client));
        if (!alive) cut(*link);
        link = alive ? std::next(link) : links_.erase(link);
      }
      if (waiting[1].revents != 0) accept_one();
      if (waiting[0].revents != 0) run_tasks();
    }
  }

  /// Returns: whether the link is still open.
  [[nodiscard]] bool move(int from, int to) const {
    std::array<char, 65536> buffer;
    const ssize_t size = recv(from, buffer.data(), buffer.size(), 0);
    if (size <= 0 || mode_ == Mode::cut) return false;
    for (ssize_t sent = 0; sent < size;) {
      const ssize_t part =
          send(to, buffer.data() + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
      if (part < 0) return false;
      sent += part;
    }
    return true;
  }

  void accept_one() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    ++accepted_;
    const int target = connect_to(target_);
    if (target < 0) return reset(client);
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(target, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    links_.push_back({client, target});
  }

  void run_tasks() {
    std::uint64_t count = 0;
    if (read(wake_, &count, sizeof count) != sizeof count) return;
    std::vector<std::function<void()>> tasks;
    {
      const std::scoped_lock hold{mutex_};
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
  }

  const std::string target_;

  // Used by the gate's thread only.
  Mode mode_{Mode::pass};
  int listener_;  // -1: closed
  std::list<Link> links_;

  const std::uint16_t port_;
  int wake_;
  std::atomic<std::size_t> accepted_{0};
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  // guarded by mutex_
  std::jthread thread_;
};

TcpGate::TcpGate(const std::string& target)
    : worker_{std::make_unique<Worker>(target)}, port_{worker_->port()} {}
TcpGate::~TcpGate() = default;

void TcpGate::set(Mode mode) {
  worker_->run_there([this, mode] { worker_->set(mode); });
}

void TcpGate::cut_now() {
  worker_->run_there([this] { worker_->cut_all(); });
}

std::size_t TcpGate::connections() const noexcept { return worker_->accepted(); }

}  // namespace codasync::test
