#include "tests/service/service.hpp"

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "storage/make_storage.hpp"
#include "tests/support/sealed.hpp"

namespace codasync::test {
namespace {

constexpr std::chrono::seconds kEndWithin{30};  // 10 s of them for requests in flight

std::string contents(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string{} : found->second;
}

std::string HttpResponse::text_after(const std::string& start, const std::string& end,
                                     std::size_t from) const {
  const auto at = body.find(start, from);
  if (at == std::string::npos) return {};
  const auto begin = at + start.size();
  return body.substr(begin, body.find(end, begin) - begin);
}

std::string HttpResponse::text(const std::string& field) const {
  return text_after("\"" + field + "\":\"", "\"");
}

std::int64_t HttpResponse::number(const std::string& field) const {
  const auto start = "\"" + field + "\":";
  const auto at = body.find(start);
  if (at == std::string::npos || body.compare(at + start.size(), 4, "null") == 0) return -1;
  return std::stoll(body.substr(at + start.size()));
}

std::string HttpResponse::next_page() const {
  const auto link = header("Link");
  const auto end = link.find(">; rel=\"next\"");
  return end == std::string::npos ? std::string{} : link.substr(1, end - 1);
}

ServiceTest::ServiceTest(std::vector<std::string> settings)
    : settings_{std::move(settings)}, gate_{database_.socket()} {
  admin_ = make_token("admin", storage::Role::admin);
  staff_ = make_token("staff", storage::Role::staff);
  shop_ = database_.run("insert into shops (name) values ('North') returning id");
  std::ofstream{key_file()} << "# of this test\n0123456789abcdef0123456789ABCDEF\n";
  start_instance();
  connection_ = std::make_unique<Connection>(*this);
}

ServiceTest::~ServiceTest() {
  std::vector<Process*> running;
  for (const auto& instance : instances_) {
    if (!instance.process->poll()) running.push_back(instance.process.get());
  }
  for (auto* process : running) process->signal(SIGTERM);
  for (auto* process : running) {
    EXPECT_EQ(process->wait(kEndWithin), 0) << "the service did not end cleanly:\n"
                                            << service_log();
  }
}

std::string ServiceTest::make_token(const std::string& name, storage::Role role) {
  const auto secret = storage::make_token_secret();
  const auto made = storage::make_token_store(database_.options())
                        ->create({name, role, {}, {}}, *storage::hash_token_secret(secret));
  if (!made) throw std::runtime_error{"the token was refused"};
  return secret;
}

std::string ServiceTest::gated_url() const {
  return "postgresql://127.0.0.1:" + std::to_string(gate_.port()) + "/" + database_.name() +
         "?user=" + database_.run("select current_user");
}

void ServiceTest::start_instance(const std::vector<std::string>& settings) {
  const int port = free_port();
  Process::Options options;
  options.environment = settings;  // first: getenv() returns the first match
  for (auto& setting : environment()) options.environment.push_back(std::move(setting));
  options.environment.push_back("CODASYNC_SERVER_LISTEN=127.0.0.1:" + std::to_string(port));
  options.log = scratch_ + "/service.log";
  instances_.push_back({port, std::make_unique<Process>(
                                  std::vector<std::string>{CODASYNC_PROGRAM, "serve"}, options)});
  httplib::Client probe{"127.0.0.1", port};
  const bool ready = eventually([&] {
    const auto response = probe.Get("/readyz");
    return (response && response->status == 200) || instances_.back().process->poll();
  });
  if (!ready || instances_.back().process->poll())
    throw std::runtime_error{"the service did not start:\n" + service_log()};
}

std::vector<std::string> ServiceTest::environment() const {
  auto all = settings_;
  all.insert(all.end(), {"CODASYNC_POSTGRES_URL=" + gated_url(),
                         "CODASYNC_MEMCACHED_SERVERS=" + memcached_.address(),
                         "CODASYNC_MEMCACHED_KEY_FILE=" + key_file(), "CODASYNC_LOG_LEVEL=debug"});
  return all;
}

void ServiceTest::store_entry(const std::string& key, const std::string& content) {
  cache::MemcachedOptions options;
  options.key_file = key_file();
  const auto reply = memcached_.ask(store_sealed(key, content, options));
  ASSERT_EQ(reply, "STORED");
}

Nginx& ServiceTest::start_edge() {
  Nginx::Options options{.source = CODASYNC_SOURCE_DIR,
                         .module = CODASYNC_NGINX_MODULE,
                         .preload = CODASYNC_NGINX_PRELOAD,
                         .services = {},
                         .memcached = {memcached_.address()},
                         .key_file = key_file()};
  for (const auto& instance : instances_)
    options.services.push_back("127.0.0.1:" + std::to_string(instance.port));
  edge_ = std::make_unique<Nginx>(options);
  return *edge_;
}

Process ServiceTest::start(const std::vector<std::string>& words,
                           const std::vector<std::string>& settings) {
  std::vector<std::string> command{CODASYNC_PROGRAM};
  command.insert(command.end(), words.begin(), words.end());
  return start_program(command, settings);
}

Process ServiceTest::start_program(const std::vector<std::string>& command,
                                   const std::vector<std::string>& settings) {
  auto all = settings;  // first: getenv() returns the first match
  for (auto& setting : environment()) all.push_back(std::move(setting));
  command_log_ = scratch_ + "/command-" + std::to_string(++commands_) + ".log";
  return Process{command, {.environment = all, .log = command_log_}};
}

ServiceTest::CommandResult ServiceTest::finish(Process process) {
  const auto status = process.wait(std::chrono::seconds{120});
  return {status.value_or(-1), contents(command_log_)};
}

std::string ServiceTest::command_log() const { return contents(command_log_); }

ServiceTest::Connection::Connection(int port) : client_{"127.0.0.1", port} {
  client_.set_keep_alive(true);
  client_.set_tcp_nodelay(true);
  client_.set_read_timeout(std::chrono::seconds{30});
}

HttpResponse ServiceTest::Connection::send(const std::string& method, const std::string& path,
                                           const std::string& body, httplib::Headers headers) {
  httplib::Request request;
  request.method = method;
  request.path = path;
  request.headers = std::move(headers);
  request.body = body;
  if (!body.empty() && request.headers.count("Content-Type") == 0)
    request.headers.emplace("Content-Type", "application/json");
  const auto result = client_.send(request);
  if (!result) return {-1, httplib::to_string(result.error()), {}};
  return {result->status, result->body, result->headers};
}

HttpResponse ServiceTest::send(const std::string& method, const std::string& path,
                               const std::string& body, const httplib::Headers& headers) {
  auto seen = connection_->send(method, path, body, headers);
  const bool writes = method == "POST" || method == "PUT" || method == "PATCH";
  if (compares_reads_ && writes && (seen.status == 200 || seen.status == 201))
    expect_every_read_agrees(method + " " + path + " " + body, seen);
  return seen;
}

std::int64_t ServiceTest::a_reading(const std::string& gtin) {
  const auto response = post("/api/v1/stock-readings",
                             R"({"shop":)" + shop_ + R"(,"GTIN":")" + gtin +
                                 R"(","name":"Tea","expiry_date":"2026-12-24"})",
                             staff());
  EXPECT_EQ(response.status, 201) << response.body;
  return response.number("id");
}

const std::vector<std::string>& ServiceTest::some_gtins() {
  static const std::vector<std::string> gtins{
      "9520000000004", "9520000000011", "9520000000028", "9520000000035", "9520000000042",
      "9520000000059", "9520000000066", "9520000000073", "9520000000080", "9520000000097"};
  return gtins;
}

double ServiceTest::metric(const std::string& series) {
  const auto text = get("/metrics").body;
  const auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::stod(text.substr(at + series.size() + 2));
}

std::string ServiceTest::service_log() { return contents(scratch_ + "/service.log"); }

}  // namespace codasync::test
