#include "api/dispatcher.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/answers.hpp"
#include "api/observability/log.hpp"
#include "api/resources/handlers.hpp"
#include "api/stored_answer.hpp"
#include "storage/errors.hpp"

namespace codasync::api {
namespace {

constexpr std::size_t kRequestIdMax = 128;
constexpr std::string_view kUnrouted = "none";
constexpr const char* kBusy = "The service is busy. Nothing was changed; try again.";

/// A read of a route, as the cache needs it. Its result is the response of the entry or of the
/// handler, whichever came last.
class HandlerSource final : public cache::Source {
 public:
  HandlerSource(const Read& read, const Call& call) : read_{read}, call_{call} {}

  Result take() && { return std::move(*result_); }

  bool decode(std::string_view entry) override {
    auto response = from_stored(entry);
    if (!response) return false;
    result_ = std::move(*response);
    return true;
  }
  bool produce(storage::Reader& reader) override {
    result_ = read_.answer(reader, call_);
    return static_cast<bool>(*result_);
  }
  [[nodiscard]] std::string encode() const override { return to_stored(result_->value()); }

 private:
  const Read& read_;
  const Call& call_;
  std::optional<Result> result_;
};

/// Returns: what may be done at this address; `*` is the service as a whole (RFC 9110, 9.3.7).
Result options_of(std::string_view path) {
  if (path == "*")
    return Response{204, {{"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}}, {}};
  auto allowed = allowed_methods(canonical_path(path));
  if (allowed.empty()) return nothing_here();
  return Response{204, {{"Allow", std::move(allowed)}}, {}};
}

/// Returns: what follows `Bearer` and blanks; the scheme is written in any case (RFC 9110, 11.1).
std::optional<std::string_view> bearer_secret(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const auto same = [](char expected, char sent) {
    return expected == (sent >= 'A' && sent <= 'Z' ? sent - 'A' + 'a' : sent);
  };
  if (authorization.size() < kScheme.size() ||
      !std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), same))
    return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

class Exchange;

/// A request that waits for what the cache says of a key.
struct LookUp {
  cache::Key key;
  std::shared_ptr<Exchange> exchange;
};

/// What the requests of one turn of this thread wait for together: asked once for all of them.
struct Turn {
  std::vector<LookUp> look_ups;
  std::vector<std::shared_ptr<Exchange>> strangers;  // about readings this process does not know
};
thread_local Turn turn;

/// One request and the way back to its client, while it travels between threads. Answered exactly
/// once.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Service& service, Request request, Reply reply)
      : service_{service}, reply_{std::move(reply)}, call_{std::move(request), {}, {}, {}} {}

  void start();

  /// Goes on with what the cache said.
  void looked_up(const cache::Lookup& found);

  /// Asks what the readings of this turn's strangers are about, and goes on with each.
  static void introduce_strangers(Service& service);

 private:
  /// Runs one step of the work; whatever it throws becomes the answer.
  template <class Step>
  void guarded(Step&& step);
  template <class Step>
  void on_executor(Step step);

  std::optional<Problem> prepare();
  void authorise();
  void authorised();
  void look_up();
  void proceed();
  void introduced(const std::map<ReadingId, storage::ReadingKey>& keys);
  [[nodiscard]] bool look_key_up_again();
  void act() {
    std::visit([this](const auto& action) { perform(action); }, route_->action);
  }

  void perform(const Now& now) { finish(now.answer(service_, call_)); }
  void perform(const Work& work);
  void perform(const Read& read);
  void perform(const StockWrite& write);
  void written(const storage::StockResult& result, Answer (*answer)(const storage::Written&));

  /// Returns: how a single resource is remembered; null pointer: not at all, or there are
  /// parameters.
  [[nodiscard]] const RememberAnswer* remembered(const Read& read) const {
    return call_.query.empty() ? std::get_if<RememberAnswer>(&read.remember) : nullptr;
  }
  Result read_remembering(const Read& read);

  [[nodiscard]] bool token_needed() const;
  [[nodiscard]] bool reading_needed() const {
    return route_->pattern.starts_with("/api/v1/stock-readings/{id}");
  }

  void finish(Result result);
  void send(Response response);

  Service& service_;
  Reply reply_;
  Call call_;
  const Route* route_{nullptr};
  std::optional<storage::TokenHash> token_;
  cache::Known known_{cache::Known::nothing};
  bool key_remembered_{false};  // call_.path.reading was not looked up for this request
};

template <class Step>
void Exchange::guarded(Step&& step) {
  try {
    std::forward<Step>(step)();
  } catch (const Unavailable& failure) {
    service_.log.warning("a dependency is unavailable", {{"request_id", call_.request.request_id},
                                                         {"dependency", failure.dependency()},
                                                         {"detail", failure.what()}});
    finish(unavailable_because(failure.dependency()));
  } catch (const InDoubt& doubt) {
    service_.log.error("a commit is in doubt",
                       {{"request_id", call_.request.request_id}, {"detail", doubt.what()}});
    finish(in_doubt());
  } catch (const std::exception& bug) {
    service_.log.error("a request met a bug", {{"request_id", call_.request.request_id},
                                               {"route", route_ ? route_->pattern : kUnrouted},
                                               {"detail", bug.what()}});
    finish(internal_error());
  } catch (...) {
    service_.log.error("a request met a bug", {{"request_id", call_.request.request_id},
                                               {"route", route_ ? route_->pattern : kUnrouted}});
    finish(internal_error());
  }
}

template <class Step>
void Exchange::on_executor(Step step) {
  const bool taken = service_.executor.submit([self = shared_from_this(), step] {
    self->guarded([&] { step(*self); });
    introduce_strangers(self->service_);
  });
  if (!taken) finish(unavailable(kBusy));
}

void Exchange::start() {
  guarded([this] {
    if (auto problem = prepare()) {
      finish(*problem);
    } else if (call_.request.method == Method::options) {
      finish(options_of(call_.request.path));
    } else {
      authorise();
    }
  });
}

/// Everything that the request line alone decides.
std::optional<Problem> Exchange::prepare() {
  auto& request = call_.request;
  if (!is_request_id(request.request_id)) request.request_id = to_string(Uuid::v7(now()));
  if (request.body.size() > service_.options.body_bytes_max) {
    return Problem{413, "content-too-large",
                   "The body exceeds " + std::to_string(service_.options.body_bytes_max) +
                       " bytes. Send it in parts."};
  }
  if (request.method == Method::options) return std::nullopt;
  const auto matched = match(request.method, canonical_path(request.path));
  if (!matched) return matched.error();
  route_ = matched->route;
  call_.path = matched->arguments;
  auto query = parse_query(request.query);
  if (!query) return Problem{400, "bad-query", "The query has a broken percent escape."};
  if (auto problem = refuse_unknown_parameters(*route_, *query)) return problem;
  call_.query = std::move(*query);
  return std::nullopt;
}

bool Exchange::token_needed() const {
  switch (route_->access) {
    case Access::open:
      return false;
    case Access::reader:
      return !service_.options.public_reads;
    case Access::staff:
    case Access::admin:
      return true;
  }
  __builtin_unreachable();
}

void Exchange::authorise() {
  if (!token_needed()) {
    look_up();
    return;
  }
  if (call_.request.authorization.empty()) {
    finish(unauthorized("This needs an access token: Authorization: Bearer <token>."));
    return;
  }
  if (const auto secret = bearer_secret(call_.request.authorization))
    token_ = storage::hash_token_secret(*secret);
  if (!token_) {
    finish(unauthorized("Invalid access token."));
    return;
  }
  // A write's own transaction asks for the token again, so what this process remembers is enough to
  // begin with.
  if (std::holds_alternative<StockWrite>(route_->action))
    call_.actor = service_.tokens.find(*token_);
  if (call_.actor) {
    authorised();
    return;
  }
  on_executor([](Exchange& self) {
    self.call_.actor = self.service_.database.read()->token(*self.token_);
    if (!self.call_.actor) {
      self.finish(unauthorized("This token is unknown, revoked or has expired."));
      return;
    }
    self.service_.tokens.remember(*self.token_, *self.call_.actor);
    self.authorised();
  });
}

void Exchange::authorised() {
  const auto& actor = *call_.actor;
  if (actor.expires_at && *actor.expires_at <= now()) {
    finish(unauthorized("This token has expired."));
  } else if (route_->access == Access::admin && actor.role != storage::Role::admin) {
    finish(forbidden("This needs the token of an admin."));
  } else {
    proceed();
  }
}

/// A remembered answer is asked for together with those of all requests that arrived at the same
/// time.
void Exchange::look_up() {
  const auto* read = std::get_if<Read>(&route_->action);
  const auto* remember = read != nullptr ? remembered(*read) : nullptr;
  if (remember == nullptr) {
    proceed();
    return;
  }
  turn.look_ups.push_back({remember->key(call_.path), shared_from_this()});
}

void Exchange::looked_up(const cache::Lookup& found) {
  guarded([&] {
    auto answer = found.state == cache::LookupState::hit ? from_stored(found.bytes) : std::nullopt;
    if (answer) {
      finish(std::move(*answer));
    } else {
      // A malformed entry is found again there, and deleted.
      if (found.state == cache::LookupState::miss) known_ = cache::Known::miss;
      proceed();
    }
  });
}

void Exchange::proceed() {
  if (reading_needed()) {
    call_.path.reading = service_.reading_keys.find(ReadingId{call_.path.id});
    if (!call_.path.reading) {
      turn.strangers.push_back(shared_from_this());
      return;
    }
    key_remembered_ = true;
  }
  act();
}

/// For a request whose remembered reading key does not lead to its reading: forgets the key, and
/// has it looked up with this turn's others. Returns: false, and does nothing, when it was looked
/// up for this request.
bool Exchange::look_key_up_again() {
  if (!std::exchange(key_remembered_, false)) return false;
  service_.reading_keys.forget(ReadingId{call_.path.id});
  turn.strangers.push_back(shared_from_this());
  return true;
}

void Exchange::introduce_strangers(Service& service) {
  auto strangers = std::exchange(turn.strangers, {});
  if (strangers.empty()) return;
  const auto ask = [&service, strangers] {
    try {
      std::vector<ReadingId> ids;
      for (const auto& stranger : strangers) ids.emplace_back(stranger->call_.path.id);
      const auto keys = service.database.read()->reading_keys(ids);
      for (const auto& stranger : strangers) stranger->guarded([&] { stranger->introduced(keys); });
    } catch (...) {
      for (const auto& stranger : strangers) stranger->guarded([] { throw; });
    }
  };
  if (service.executor.submit(ask)) return;
  for (const auto& stranger : strangers) stranger->finish(unavailable(kBusy));
}

void Exchange::introduced(const std::map<ReadingId, storage::ReadingKey>& keys) {
  const ReadingId id{call_.path.id};
  const auto key = keys.find(id);
  if (key == keys.end()) {
    finish(not_found("There is no stock reading with this id."));
    return;
  }
  service_.reading_keys.remember(id, key->second);
  call_.path.reading = key->second;
  act();
}

void Exchange::perform(const Work& work) {
  on_executor([&work](Exchange& self) { self.finish(work.answer(self.service_, self.call_)); });
}

void Exchange::perform(const Read& read) {
  on_executor([&read](Exchange& self) {
    try {
      self.finish(self.read_remembering(read));
    } catch (const readings::StaleKey&) {
      if (!self.look_key_up_again()) throw;
    }
  });
}

void Exchange::perform(const StockWrite& write) {
  auto made = write.operation(call_);
  if (!made) {
    finish(made.error());
    return;
  }
  auto operation = std::move(made).value();
  if (operation.idempotency_key)
    operation.keep = [answer = write.answer](const storage::Written& done) {
      return write_down(answer(done));
    };
  service_.ledger.submit(std::move(operation), [self = shared_from_this(), answer = write.answer](
                                                   const storage::StockResult& result) {
    self->guarded([&] { self->written(result, answer); });
  });
}

/// Goes on with what the ledger answered.
void Exchange::written(const storage::StockResult& result,
                       Answer (*answer)(const storage::Written&)) {
  if (const auto* refused = std::get_if<storage::Refused>(&result)) {
    if (refused->why == storage::Refused::Why::token_revoked) service_.tokens.forget(*token_);
    if (refused->why == storage::Refused::Why::not_found && look_key_up_again()) {
      introduce_strangers(service_);
      return;
    }
  } else if (const auto* failed = std::get_if<storage::Failed>(&result)) {
    service_.log.warning("a write failed", {{"request_id", call_.request.request_id},
                                            {"dependency", failed->dependency},
                                            {"detail", failed->log_detail}});
  }
  finish(readings::to_result(result, answer));
}

Result Exchange::read_remembering(const Read& read) {
  HandlerSource source{read, call_};
  if (const auto* answer = remembered(read)) {
    service_.cache.read_through(answer->key(call_.path), answer->locks(call_.path), source, known_);
    return std::move(source).take();
  }
  if (const auto* list = std::get_if<RememberList>(&read.remember)) {
    if (const auto entry = list->entry(call_)) {
      service_.cache.read_list(entry->generation, entry->locks, body_tag(entry->query), source);
      return std::move(source).take();
    }
  }
  return read.answer(*service_.database.read(), call_);
}

void Exchange::finish(Result result) {
  if (!result) {
    send(to_response(result.error(), call_.request.request_id));
    return;
  }
  auto response = std::move(result).value();
  const auto& wanted = call_.request.if_none_match;
  const bool reads = call_.request.method == Method::get || call_.request.method == Method::head;
  if (!wanted.empty() && reads && response.status == 200) {
    const auto tags = parse_entity_tags(wanted);
    for (const auto& header : response.headers) {
      if (!tags || header.name != "ETag" || header.value.size() < 2) continue;
      if (!tags->contains(std::string_view{header.value}.substr(1, header.value.size() - 2)))
        continue;
      response.status = 304;
      response.body.clear();
      break;
    }
  }
  send(std::move(response));
}

void Exchange::send(Response response) {
  const auto took = std::chrono::steady_clock::now() - call_.request.arrived;
  const auto& request = call_.request;
  service_.metrics.request(route_ ? route_->pattern : kUnrouted, name_of(request.method),
                           response.status, took);
  if (service_.log.writes(LogLevel::debug)) {
    service_.log.debug("answered", {{"request_id", request.request_id},
                                    {"method", name_of(request.method)},
                                    {"path", request.path},
                                    {"status", response.status},
                                    {"ms", std::chrono::duration<double, std::milli>{took}.count()},
                                    {"traceparent", request.traceparent}});
  }
  response.headers.push_back({"X-Request-Id", request.request_id});
  std::move(reply_).send(std::move(response));
}

}  // namespace

void Dispatcher::dispatch(Request request, Reply reply) {
  std::make_shared<Exchange>(service_, std::move(request), std::move(reply))->start();
}

void Dispatcher::settle() {
  settle_look_ups();
  Exchange::introduce_strangers(service_);
}

void Dispatcher::settle_look_ups() {
  const auto settled = std::exchange(turn.look_ups, {});
  if (settled.empty()) return;
  // Everybody asks for the same hot product: it is asked for once.
  std::vector<cache::Key> keys;
  std::vector<std::size_t> places;
  std::unordered_map<std::string_view, std::size_t> known;
  for (const auto& [key, exchange] : settled) {
    const auto [place, is_new] = known.try_emplace(key.text, keys.size());
    if (is_new) keys.push_back(key);
    places.push_back(place->second);
  }
  const auto found = service_.cache.lookup(keys);
  for (std::size_t i = 0; i < settled.size(); ++i) {
    settled[i].exchange->looked_up(found[places[i]]);
  }
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdMax &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string_view::npos;
}

}  // namespace codasync::api
