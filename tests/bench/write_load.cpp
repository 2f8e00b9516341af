// A load generator: many clients that send the next write when the response to the last one
// arrives. Each has its own connection; all run on one thread, so that the load uses little
// processor time. Prints one JSON object: requests, seconds, refusals, p50, p99 and the maximum. It
// checks three things: the versions of each reading have no gap and no repeat; a read returns no
// older version than a write that was acknowledged before the read was sent; every request gets a
// response (a connection is closed when a response has `Connection: close`). SIGTERM ends it early.
//
//   write_load --address 127.0.0.1:8080 --clients 32 [--readers 8] [--keys RUN] < ids-and-versions
//
// Standard input: one line `<reading id> <version>` for each reading to write, with its present
// version. The token is in CODASYNC_STAFF_TOKEN.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t asked_to_end = 0;

struct Options {
  std::string address{"127.0.0.1:8080"};
  std::size_t clients{32};
  std::size_t readers{0};
  double seconds{5};
  std::string keys;  // prefix of the idempotency keys; empty: no keys
};

/// The address of the server.
class Address {
 public:
  /// `text`: `unix:/path`, or a number and a port: `127.0.0.1:8080`.
  explicit Address(const std::string& text) {
    constexpr std::string_view kUnix = "unix:";
    const auto colon = text.rfind(':');
    if (text.starts_with(kUnix) && text.size() - kUnix.size() < sizeof unix_.sun_path) {
      unix_.sun_family = AF_UNIX;
      text.copy(unix_.sun_path, sizeof unix_.sun_path - 1, kUnix.size());
    } else if (colon != std::string::npos &&
               ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &tcp_.sin_addr) == 1) {
      tcp_.sin_family = AF_INET;
      tcp_.sin_port = htons(static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1))));
    } else {
      throw std::invalid_argument{"--address must be unix:/path or 127.0.0.1:port"};
    }
  }

  /// Returns: a connected socket. Throws: std::runtime_error.
  [[nodiscard]] int connect() const {
    const bool is_unix = unix_.sun_family == AF_UNIX;
    const int socket = ::socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* address = is_unix ? reinterpret_cast<const sockaddr*>(&unix_)
                                  : reinterpret_cast<const sockaddr*>(&tcp_);
    if (::connect(socket, address, is_unix ? sizeof unix_ : sizeof tcp_) != 0)
      throw std::runtime_error{"cannot connect"};
    const int on = 1;
    if (!is_unix) ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
  }

 private:
  sockaddr_un unix_{};
  sockaddr_in tcp_{};
};

struct Target {
  std::int64_t id;
  std::int64_t version;                      // before the run
  std::int64_t newest;                       // newest acknowledged version
  std::vector<std::int64_t> acknowledged{};  // all acknowledged versions
};

struct Client {
  int socket{-1};
  std::string received;
  Target* target{nullptr};
  Clock::time_point sent;
  bool reads{false};
  std::int64_t oldest{0};  // oldest version that a read may return
};

class Load {
 public:
  Load(const Options& options, std::vector<Target> targets)
      : options_{options},
        address_{options.address},
        targets_{std::move(targets)},
        token_{std::getenv("CODASYNC_STAFF_TOKEN")} {}

  void run() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    clients_.resize(options_.clients + options_.readers);
    for (std::size_t i = 0; i < options_.readers; ++i) clients_[i].reads = true;
    const auto started = Clock::now();
    for (auto& client : clients_) connect(client);
    for (auto& client : clients_) send(client);
    const auto end = started + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>{options_.seconds});
    std::size_t in_flight = clients_.size();
    std::vector<epoll_event> events(clients_.size());
    while (in_flight > 0) {
      const int count =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 30'000);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) throw std::runtime_error{"no response for 30 seconds"};
      for (int i = 0; i < count; ++i) {
        auto& client = clients_[events[static_cast<std::size_t>(i)].data.u64];
        if (!receive(client)) continue;
        if (Clock::now() < end && asked_to_end == 0) {
          send(client);
        } else {
          --in_flight;
        }
      }
    }
    elapsed_ = Clock::now() - started;
  }

  /// Returns: whether the new versions of every reading follow its first version without a gap.
  [[nodiscard]] bool versions_are_whole() {
    for (auto& target : targets_) {
      std::sort(target.acknowledged.begin(), target.acknowledged.end());
      auto expected = target.version;
      for (const auto version : target.acknowledged) {
        if (version != ++expected) return false;
      }
    }
    return true;
  }

  /// Returns: whether every request got a response and no read returned an old version.
  [[nodiscard]] bool responses_are_complete() const { return lost_ == 0 && old_ == 0; }

  void print(bool whole) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [this](double part) {
      return latencies_.empty() ? 0.0
                                : latencies_[static_cast<std::size_t>(
                                      part * static_cast<double>(latencies_.size() - 1))];
    };
    std::cout << "{\"requests\":" << latencies_.size() << ",\"seconds\":" << elapsed_.count()
              << ",\"reads\":" << reads_ << ",\"refused\":" << refused_ << ",\"lost\":" << lost_
              << ",\"old\":" << old_ << ",\"p50_ms\":" << at(0.5) << ",\"p99_ms\":" << at(0.99)
              << ",\"max_ms\":" << at(1) << ",\"versions_whole\":" << (whole ? "true" : "false")
              << "}\n";
  }

 private:
  void connect(Client& client) {
    client.socket = address_.connect();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(&client - clients_.data());
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &event);
  }

  void send(Client& client) {
    client.target = &targets_[random_() % targets_.size()];
    client.oldest = client.target->newest;
    client.sent = Clock::now();
    if (client.reads) {
      transmit(client, "GET /api/v1/stock-readings/" + std::to_string(client.target->id) +
                           " HTTP/1.1\r\nHost: localhost\r\n\r\n");
      return;
    }
    constexpr std::string_view body = R"({"delta":1})";
    std::string request = "POST /api/v1/stock-readings/" + std::to_string(client.target->id) +
                          "/adjust HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                          "application/json\r\nAuthorization: Bearer " +
                          token_ + "\r\n";
    if (!options_.keys.empty())
      request += "Idempotency-Key: " + options_.keys + "-" + std::to_string(++key_) + "\r\n";
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    request += body;
    transmit(client, request);
  }

  static void transmit(const Client& client, const std::string& request) {
    // After a failed send, receive() finds the end of the connection and counts the request as
    // lost.
    (void)!::send(client.socket, request.data(), request.size(), MSG_NOSIGNAL);
  }

  void connect_again(Client& client) {
    ::close(client.socket);
    client.received.clear();
    connect(client);
  }

  /// Returns: whether the response is complete or the connection has ended.
  bool receive(Client& client) {
    char buffer[8192];
    const auto size = ::recv(client.socket, buffer, sizeof buffer, 0);
    if (size <= 0) {
      ++lost_;
      connect_again(client);
      return true;
    }
    client.received.append(buffer, static_cast<std::size_t>(size));
    const auto head = client.received.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    if (client.received.size() < head + 4 + number_after(client.received, "\r\nContent-Length: "))
      return false;
    latencies_.push_back(
        std::chrono::duration<double, std::milli>{Clock::now() - client.sent}.count());
    reads_ += client.reads ? 1 : 0;
    const auto version = static_cast<std::int64_t>(number_after(client.received, "\"version\":"));
    if (client.received.compare(0, 12, "HTTP/1.1 200") != 0) {
      ++refused_;
    } else if (client.reads) {
      old_ += version < client.oldest ? 1 : 0;
    } else {
      client.target->acknowledged.push_back(version);
      client.target->newest = std::max(client.target->newest, version);
    }
    if (client.received.find("\r\nConnection: close\r\n") < head + 2) {
      connect_again(client);
    } else {
      client.received.clear();
    }
    return true;
  }

  static std::size_t number_after(const std::string& text, std::string_view start) {
    const auto at = text.find(start);
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + start.size(), 20));
  }

  const Options options_;
  const Address address_;
  std::vector<Target> targets_;
  const std::string token_;
  int epoll_{-1};
  std::vector<Client> clients_;
  std::vector<double> latencies_;
  std::size_t reads_{0};
  std::size_t refused_{0};
  std::size_t lost_{0};
  std::size_t old_{0};
  std::size_t key_{0};
  std::minstd_rand random_{1};
  std::chrono::duration<double> elapsed_{};
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Sends stock writes, the next one after each response."};
  app.add_option("--address", options.address, "of Nginx or an instance");
  app.add_option("--clients", options.clients, "connections that write")
      ->check(CLI::Range(0, 4096));
  app.add_option("--readers", options.readers, "connections that read the same readings")
      ->check(CLI::Range(0, 4096));
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.1, 600.0));
  app.add_option("--keys", options.keys, "send idempotency keys that start with this");
  CLI11_PARSE(app, argc, argv);
  if (std::getenv("CODASYNC_STAFF_TOKEN") == nullptr) {
    std::cerr
        << "write_load: CODASYNC_STAFF_TOKEN is not set; the state folder's env file has it.\n";
    return 2;
  }
  std::vector<Target> targets;
  for (Target target{}; std::cin >> target.id >> target.version;) {
    target.newest = target.version;
    targets.push_back(target);
  }
  if (targets.empty()) {
    std::cerr << "write_load: no readings on standard input.\n";
    return 2;
  }
  std::signal(SIGTERM, [](int) { asked_to_end = 1; });
  try {
    Load load{options, std::move(targets)};
    load.run();
    const bool whole = load.versions_are_whole();
    load.print(whole);
    return whole && load.responses_are_complete() ? 0 : 1;
  } catch (const std::exception& failure) {
    std::cerr << "write_load: " << failure.what() << "\n";
    return 1;
  }
}
