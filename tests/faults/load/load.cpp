#include "tests/faults/load/load.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <span>
#include <sstream>

namespace codasync::faults {
namespace {

constexpr double kPatience = 6;     // seconds for an answer; longer than every wait of the service
constexpr double kRest = 0.05;      // of a connection that found nobody
constexpr double kDoubtRest = 0.2;  // before a write without an answer is repeated
constexpr double kUntried = 1;      // seconds without a try, between two pauses of a reading
constexpr double kIfNoneMatch = 0.25;  // of the reads
constexpr std::int64_t kShelf = 1'000'000;

/// What is read, of a hundred: some of everything.
constexpr std::pair<Kind, int> kEverything[]{{Kind::reading_in_shop, 36},
                                             {Kind::reading_by_id, 22},
                                             {Kind::product_stock, 12},
                                             {Kind::product, 10},
                                             {Kind::shop, 5},
                                             {Kind::shop_list, 4},
                                             {Kind::shop_list_by_expiry, 4},
                                             {Kind::products, 2},
                                             {Kind::shops, 3},
                                             {Kind::history, 2}};

/// What a storefront reads: mostly one product in one shop.
constexpr std::pair<Kind, int> kStorefront[]{
    {Kind::reading_in_shop, 57}, {Kind::product, 18},  {Kind::product_stock, 10}, {Kind::shop, 6},
    {Kind::reading_by_id, 4},    {Kind::shop_list, 2}, {Kind::products, 1},       {Kind::shops, 2}};

std::string name_of_product(std::size_t p, std::int64_t n) {
  return "Tea " + std::to_string(p) + " n" + std::to_string(n);
}
std::string name_of_shop(const std::string& run, std::size_t s, std::int64_t n) {
  return "Shop " + run + " " + std::to_string(s) + " n" + std::to_string(n);
}

}  // namespace

Load::Load(Options options)
    : options_{std::move(options)},
      world_{options_.shops, options_.products, 4},
      epoll_{::epoll_create1(EPOLL_CLOEXEC)},
      random_{options_.seed},
      failing_(world_.readings.size()) {
  for (std::size_t p = 0; p < options_.ports.size(); ++p) {
    const std::size_t clients =
        p == 0 ? options_.clients : std::max<std::size_t>(options_.clients / 8, 1);
    for (std::size_t i = 0; i < clients; ++i) {
      auto connection = std::make_unique<Connection>();
      connection->client = std::make_unique<Client>(epoll_, connections_.size(), options_.ports[p]);
      connection->edge = p == 0;
      connections_.push_back(std::move(connection));
    }
  }
  ranks_.resize(world_.readings.size());
  std::iota(ranks_.begin(), ranks_.end(), 0U);
  std::shuffle(ranks_.begin(), ranks_.end(), random_);
  for (std::size_t rank = 1; rank <= ranks_.size(); ++rank)
    zipf_.push_back((zipf_.empty() ? 0 : zipf_.back()) + 1.0 / static_cast<double>(rank));
}

std::size_t Load::pick_reading(bool hot) {
  if (!hot) return below(ranks_.size());
  std::uniform_real_distribution<double> anywhere{0, zipf_.back()};
  const auto at = std::lower_bound(zipf_.begin(), zipf_.end(), anywhere(random_));
  return ranks_[static_cast<std::size_t>(std::min(at, zipf_.end() - 1) - zipf_.begin())];
}

// ---- the loop
// -------------------------------------------------------------------------------------

void Load::turn(bool fresh) {
  give_work(fresh);
  epoll_event events[256];
  const int count = ::epoll_wait(epoll_, events, 256, 5);
  for (int i = 0; i < count; ++i) {
    auto& connection = *connections_[events[i].data.u64];
    switch (connection.client->advance()) {
      case Client::Progress::waiting:
        break;
      case Client::Progress::answered:
        if (connection.busy) answered(connection);
        break;
      case Client::Progress::lost:
        if (connection.busy) lost(connection);
        break;
    }
  }
  const double late = now() - kPatience;
  for (const auto& connection : connections_) {
    if (!connection->busy || connection->sent > late) continue;
    connection->client->drop();
    lost(*connection);
  }
}

void Load::give_work(bool fresh) {
  const double at = now();
  if (options_.rate > 0) {
    credit_ = std::min(credit_ + (at - credit_at_) * options_.rate, options_.rate * 0.05);
    credit_at_ = at;
  }
  const auto offset = below(connections_.size());  // nobody is always first
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    auto& connection = *connections_[(i + offset) % connections_.size()];
    if (connection.busy || connection.rest_until > at) continue;
    if (!doubts_.empty() && doubts_.top().at <= at) {
      const auto number = doubts_.top().write;
      doubts_.pop();
      send_write(connection, number);
    } else if (!queue_.empty()) {
      const Write write = queue_.back();
      queue_.pop_back();
      begin_write(connection, write);
    } else if (fresh) {
      if (options_.rate > 0 && credit_ < 1) return;
      credit_ -= 1;
      const bool write = std::uniform_real_distribution<double>{0, 1}(random_) < options_.writes;
      if (!write || !begin_write(connection)) begin_read(connection);
    }
  }
}

void Load::send(Connection& connection, std::string request) {
  connection.busy = true;
  connection.sent = now();
  if (connection.client->send(std::move(request)) == Client::Progress::lost) {
    connection.rest_until = connection.sent + kRest;
    lost(connection);
  }
}

void Load::answered(Connection& connection) {
  connection.busy = false;
  if (connection.write >= 0) {
    write_answered(connection);
  } else {
    read_answered(connection);
  }
}

void Load::lost(Connection& connection) {
  connection.busy = false;
  connection.rest_until = now() + kRest;
  if (connection.write < 0) {
    ++count_failed_reads_;
    return;
  }
  failed(writes_[static_cast<std::size_t>(connection.write)], connection.sent);
  ++count_doubts_;
  tried_twice_.insert(connection.write);
  doubts_.push({now() + kDoubtRest, connection.write});
}

/// For the longest pause of one reading: how long all its writes failed. One that nobody tried to
/// write for a while may have been well meanwhile.
void Load::failed(const Write& write, double since) {
  if (!of_reading(write)) return;
  auto& failing = failing_[static_cast<std::size_t>(write.target)];
  if (failing.since < 0 || since > failing.last + kUntried) failing.since = since;
  failing.last = now();
  longest_one_ = std::max(longest_one_, failing.last - failing.since);
}

// ---- reads
// ----------------------------------------------------------------------------------------

void Load::begin_read(Connection& connection) {
  int draw = static_cast<int>(below(100));
  Kind kind = Kind::shops;
  std::span<const std::pair<Kind, int>> mix{kEverything};
  if (options_.storefront) mix = kStorefront;
  for (const auto& [each, share] : mix) {
    kind = each;
    if ((draw -= share) < 0) break;
  }
  // Shops and products are as hot as their hottest readings.
  const auto& ranked = world_.readings[pick_reading(true)];
  const auto& of_kind = by_kind_[static_cast<std::size_t>(kind)];
  std::size_t wanted = 0;
  switch (kind) {
    case Kind::reading_in_shop:
    case Kind::reading_by_id:
      wanted = static_cast<std::size_t>(ranked.shop * world_.on_shelves + ranked.product);
      break;
    case Kind::history:
      wanted = below(of_kind.size());
      break;
    case Kind::product_stock:
      wanted = ranked.product;
      break;
    case Kind::product:
      wanted = below(20) == 0 ? below(of_kind.size()) : ranked.product;
      break;
    case Kind::shop:
    case Kind::shop_list:
    case Kind::shop_list_by_expiry:
      wanted = ranked.shop;
      break;
    case Kind::products:
    case Kind::shops:
      break;
  }
  auto& resource = world_.resources[of_kind[wanted]];
  connection.write = -1;
  connection.resource = &resource;
  connection.conditional = nullptr;
  connection.floors.clear();
  for (const auto* each : resource.registers) connection.floors.push_back(each->newest());
  std::string request = "GET " + resource.uri + " HTTP/1.1\r\nHost: localhost\r\n";
  if (kind == Kind::history) request += "Authorization: Bearer " + options_.staff_token + "\r\n";
  if (resource.shown && std::uniform_real_distribution<double>{0, 1}(random_) < kIfNoneMatch) {
    connection.conditional = resource.shown;
    request += "If-None-Match: " + resource.etag + "\r\n";
  }
  ++count_reads_;
  send(connection, request + "\r\n");
}

void Load::read_answered(Connection& connection) {
  auto& resource = *connection.resource;
  const auto& answer = connection.client->answer();
  const double at = now();
  if (answer.status == 503 || answer.status == 502 || answer.status == 504) {
    ++count_failed_reads_;
    connection.rest_until = at + kRest / 5;
    return;
  }
  if (answer.status == 304 && connection.conditional) {
    ++count_304_;
    judge(resource, *connection.conditional, connection.floors);
  } else if (answer.status == 200 || answer.status == 404) {
    if (answer.status == 404) ++count_404_;
    auto shown = std::make_shared<const Shown>(world_.read(resource, answer, findings_));
    judge(resource, *shown, connection.floors);
    if (answer.status == 200 && !answer.etag.empty()) {
      resource.etag = answer.etag;
      resource.shown = std::move(shown);
    }
  } else {
    findings_.add(Fault::unexpected, "GET " + resource.uri + " was answered " +
                                         std::to_string(answer.status) + " " +
                                         std::string{answer.body.substr(0, 300)});
    return;
  }
  ++count_checked_;
  if (resource.kind != Kind::history && answer.status != 404) {
    ++count_cacheable_;
    if (!resource.changed) ++count_possible_;
    resource.changed = false;
  }
  ++by_kind_checked_[static_cast<std::size_t>(resource.kind)];
  reads_.success(at);
  if (connection.edge) edge_reads_.success(at);
}

void Load::judge(Resource& resource, const Shown& shown, const std::vector<std::int64_t>& floors) {
  const double at = now();
  for (std::size_t i = 0; i < floors.size(); ++i) {
    if (shown.versions[i] == kUnknown) continue;
    ++count_rows_;
    resource.registers[i]->show(shown.versions[i], shown.hashes[i], floors[i], at,
                                resource.uri.c_str(), findings_);
  }
}

// ---- writes
// ---------------------------------------------------------------------------------------

Register& Load::register_of(const Write& write) {
  const auto target = static_cast<std::size_t>(write.target);
  switch (write.kind) {
    case Write::Kind::name_product:
    case Write::Kind::drop_product:
      return world_.products[target].names;
    case Write::Kind::name_shop:
      return world_.shops[target].names;
    default:
      return world_.readings[target].versions;
  }
}

/// Returns: whether there was something to write.
bool Load::begin_write(Connection& connection) {
  Write write;
  const auto draw = below(1000);
  if (draw < 10) {
    write.target = static_cast<std::int32_t>(below(world_.products.size()));
    auto& product = world_.products[static_cast<std::size_t>(write.target)];
    if (product.busy) return false;
    write.kind = !product.on_shelves && product.present ? Write::Kind::drop_product
                                                        : Write::Kind::name_product;
  } else if (draw < 15) {
    write.target = static_cast<std::int32_t>(below(world_.shops.size()));
    if (world_.shops[static_cast<std::size_t>(write.target)].busy) return false;
    write.kind = Write::Kind::name_shop;
  } else {
    const bool hot = std::uniform_real_distribution<double>{0, 1}(random_) < options_.hot;
    write.target = static_cast<std::int32_t>(pick_reading(hot));
    auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
    if (reading.comes_and_goes) {
      if (reading.busy) return false;
      write.kind = reading.present ? Write::Kind::remove : Write::Kind::record;
    } else {
      // Who walks along the shelves mostly sees what is known already: only `checked_at` moves.
      write.kind = draw < 450   ? Write::Kind::adjust
                   : draw < 900 ? Write::Kind::sighting
                   : draw < 960 ? Write::Kind::check
                                : Write::Kind::count;
    }
  }
  begin_write(connection, write);
  return true;
}

void Load::begin_write(Connection& connection, Write write) {
  auto& versions = register_of(write);
  const auto target = static_cast<std::size_t>(write.target);
  write.floor = versions.newest();
  switch (write.kind) {
    case Write::Kind::record:
    case Write::Kind::remove: {
      auto& reading = world_.readings[target];
      write.name_floor = world_.products[reading.product].names.newest();
      reading.busy = true;
      write.version = versions.acknowledged() + 1;
      if (reading.comes_and_goes) {
        versions.begin(write.version, write.kind == Write::Kind::record);
      } else {
        versions.begin();
      }
      break;
    }
    case Write::Kind::name_product:
    case Write::Kind::drop_product: {
      auto& product = world_.products[target];
      product.busy = true;
      write.version = product.next++;
      versions.begin(write.version, write.kind == Write::Kind::name_product);
      break;
    }
    case Write::Kind::name_shop: {
      auto& shop = world_.shops[target];
      shop.busy = true;
      write.version = shop.next++;
      versions.begin(write.version, true);
      break;
    }
    default:
      write.name_floor = world_.products[world_.readings[target].product].names.newest();
      versions.begin();
  }
  write.sent = now();
  writes_.push_back(write);
  ++in_flight_writes_;
  ++count_writes_;
  send_write(connection, static_cast<std::int64_t>(writes_.size()) - 1);
}

void Load::send_write(Connection& connection, std::int64_t number) {
  connection.write = number;
  send(connection, request_of(number));
}

std::string Load::request_of(std::int64_t number) const {
  const auto& write = writes_[static_cast<std::size_t>(number)];
  const auto target = static_cast<std::size_t>(write.target);
  std::string method = "POST";
  std::string path = "/stock-readings";
  std::string body;
  const auto of_reading = [&](const std::string& fields) {
    const auto& reading = world_.readings[target];
    return R"({"shop":)" + std::to_string(world_.shops[reading.shop].id) + R"(,"GTIN":")" +
           world_.products[reading.product].gtin + "\"," + fields + "}";
  };
  const auto day = [&](int year) {
    return "\"" + std::to_string(year) + "-0" + std::to_string(1 + number % 9) + "-1" +
           std::to_string(number / 9 % 10) + "\"";
  };
  switch (write.kind) {
    case Write::Kind::record:
      body =
          of_reading(R"("expiry_date":)" + day(2027) + R"(,"quantity":)" + std::to_string(kShelf));
      break;
    case Write::Kind::sighting:
      body = of_reading(R"("expiry_date":)" + day(2029));
      break;
    case Write::Kind::check:
      body = of_reading(R"("kind":"check","expiry_date":)" + day(2028));
      break;
    case Write::Kind::adjust:
      path += "/" + std::to_string(world_.readings[target].id) + "/adjust";
      body = R"({"delta":)" + std::string{number % 2 == 0 ? "1" : "-1"} + "}";
      break;
    case Write::Kind::count:
      method = "PATCH";
      path += "/" + std::to_string(world_.readings[target].id);
      body = R"({"quantity":)" + std::to_string(kShelf + number % 1000) + "}";
      break;
    case Write::Kind::remove:
      method = "DELETE";
      path += "/" + std::to_string(world_.readings[target].id);
      break;
    case Write::Kind::name_product:
      method = "PUT";
      path = "/products/" + world_.products[target].gtin;
      body = R"({"name":")" + name_of_product(target, write.version) + R"(","category":"tea"})";
      break;
    case Write::Kind::drop_product:
      method = "DELETE";
      path = "/products/" + world_.products[target].gtin;
      break;
    case Write::Kind::name_shop:
      method = world_.shops[target].id == 0 ? "POST" : "PATCH";
      path = "/shops";
      if (world_.shops[target].id != 0) path += "/" + std::to_string(world_.shops[target].id);
      body = R"({"name":")" + name_of_shop(options_.run, target, write.version) + "\"}";
      break;
  }
  std::string request = method + " /api/v1" + path +
                        " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                        (by_admin(write) ? options_.admin_token : options_.staff_token) +
                        "\r\nIdempotency-Key: " + key_of(number) + "\r\n";
  if (!body.empty()) request += "Content-Type: application/json\r\n";
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return request + body;
}

void Load::write_answered(Connection& connection) {
  const auto number = connection.write;
  const auto& answer = connection.client->answer();
  const auto& write = writes_[static_cast<std::size_t>(number)];
  const bool repeated = tried_twice_.contains(number);
  const double at = now();
  if (answer.status == 200 || answer.status == 201 || answer.status == 204) {
    if (repeated) ++count_replayed_;
    done(number, answer);
    writes_pause_.success(at);
    if (of_reading(write)) failing_[static_cast<std::size_t>(write.target)].since = -1;
    return;
  }
  failed(write, connection.sent);
  connection.rest_until = at + kRest / 5;
  if (answer.status == 503 && !repeated) {
    ++count_refused_;
    refuse(number);
    return;
  }
  if (answer.status != 502 && answer.status != 503 && answer.status != 504) {
    findings_.add(Fault::unexpected, key_of(number) + " was answered " +
                                         std::to_string(answer.status) + " " +
                                         std::string{answer.body.substr(0, 300)});
  }
  ++count_doubts_;
  tried_twice_.insert(number);
  doubts_.push({at + kDoubtRest, number});
}

void Load::done(std::int64_t number, const Answer& answer) {
  auto& write = writes_[static_cast<std::size_t>(number)];
  auto& versions = register_of(write);
  const auto target = static_cast<std::size_t>(write.target);
  write.end = Write::End::done;
  std::int64_t version = write.version;
  std::uint64_t shows = 0;
  switch (write.kind) {
    case Write::Kind::remove:
    case Write::Kind::drop_product:
      break;
    case Write::Kind::name_product:
      shows = hash_of(answer.body);
      version = number_of_name(answer.body);
      break;
    case Write::Kind::name_shop:
      world_.shops[target].id = number_after(answer.body, "\"id\":");
      shows = hash_of(answer.body);
      version = number_of_name(answer.body);
      break;
    default: {
      auto& reading = world_.readings[target];
      const Row row = read_row(answer.body);
      if (reading.id == 0) {
        reading.id = row.id;
        world_.learn(row.id, target);
      }
      if (row.id != reading.id || row.gtin != world_.products[reading.product].gtin)
        findings_.add(Fault::unexpected, key_of(number) + ": " + std::string{answer.body});
      world_.products[reading.product].names.show(row.name, 0, write.name_floor, now(),
                                                  "the answer to a write", findings_);
      version = row.version;
      shows = row.shows;
    }
  }
  if (write.version != 0 && version != write.version) {
    findings_.add(Fault::lost, versions.name() + ": " + key_of(number) + " was to become version " +
                                   std::to_string(write.version) + " and was answered with " +
                                   std::to_string(version));
  }
  versions.acknowledge(version, shows, write.floor, write.sent, number, findings_);
  world_.changed(versions);
  write.version = version;
  --in_flight_writes_;
  tried_twice_.erase(number);
  free_target(write);
}

void Load::free_target(const Write& write) {
  const auto target = static_cast<std::size_t>(write.target);
  const bool took_effect = write.end != Write::End::refused;
  switch (write.kind) {
    case Write::Kind::record:
    case Write::Kind::remove:
      world_.readings[target].busy = false;
      if (took_effect) world_.readings[target].present = write.kind == Write::Kind::record;
      break;
    case Write::Kind::name_product:
    case Write::Kind::drop_product:
      world_.products[target].busy = false;
      if (took_effect) world_.products[target].present = write.kind == Write::Kind::name_product;
      break;
    case Write::Kind::name_shop:
      world_.shops[target].busy = false;
      break;
    default:
      break;
  }
}

/// 503 to its first attempt: nothing may have changed.
void Load::refuse(std::int64_t number) {
  auto& write = writes_[static_cast<std::size_t>(number)];
  auto& versions = register_of(write);
  write.end = Write::End::refused;
  if (write.version != 0 &&
      (write.kind >= Write::Kind::name_product ||
       world_.readings[static_cast<std::size_t>(write.target)].comes_and_goes)) {
    versions.refuse(write.version, findings_);
  } else {
    versions.refuse();
  }
  --in_flight_writes_;
  free_target(write);
}

// ---- before and after
// -----------------------------------------------------------------------------

bool Load::finish_stage(double until) {
  const std::vector<Write> stage = queue_;
  const auto first = writes_.size();
  for (;;) {
    while (!queue_.empty() || in_flight_writes_ > 0) {
      if (now() > until) return false;
      turn(false);
    }
    // A busy machine may refuse some; they are asked for again.
    std::vector<Write> missing = stage;
    for (std::size_t i = first; i < writes_.size(); ++i) {
      if (writes_[i].end != Write::End::done) continue;
      std::erase_if(missing, [&](const Write& wanted) {
        return wanted.kind == writes_[i].kind && wanted.target == writes_[i].target;
      });
    }
    if (missing.empty()) return true;
    queue_ = std::move(missing);
  }
}

bool Load::set_up() {
  const double until = now() + 120;
  const auto add = [&](Write::Kind kind, std::size_t target) {
    queue_.push_back({.kind = kind, .target = static_cast<std::int32_t>(target)});
  };
  for (std::size_t s = 0; s < world_.shops.size(); ++s) add(Write::Kind::name_shop, s);
  for (std::size_t p = 0; p < world_.products.size(); ++p) add(Write::Kind::name_product, p);
  if (!finish_stage(until)) return false;
  for (std::size_t r = 0; r < world_.readings.size(); ++r) add(Write::Kind::record, r);
  if (!finish_stage(until)) return false;
  world_.make_resources();
  by_kind_.resize(kKinds);
  for (std::size_t i = 0; i < world_.resources.size(); ++i)
    by_kind_[static_cast<std::size_t>(world_.resources[i].kind)].push_back(i);
  credit_at_ = now();
  for (auto* pause : {&reads_, &writes_pause_, &edge_reads_}) pause->begin(now());
  return findings_.total() == 0;
}

bool Load::settle(double seconds) {
  const double until = now() + seconds;
  const auto busy = [&] {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& connection) { return connection->busy; });
  };
  while (in_flight_writes_ > 0 || busy()) {
    if (now() > until) return false;
    turn(false);
  }
  return true;
}

std::string Load::progress() const {
  std::ostringstream text;
  text << static_cast<int>(now()) << " s: " << count_checked_ << " reads checked ("
       << count_failed_reads_ << " unanswered), " << count_writes_ << " writes (" << count_refused_
       << " refused, " << count_doubts_ << " times no answer, " << in_flight_writes_
       << " under way), " << findings_.total() << " violations";
  return text.str();
}

std::string Load::report() const {
  std::ostringstream text;
  text << "{\"seconds\":" << now() << ",\"reads\":" << count_reads_
       << ",\"checked_reads\":" << count_checked_ << ",\"checked_rows\":" << count_rows_
       << ",\"cacheable_reads\":" << count_cacheable_ << ",\"possible_hits\":" << count_possible_
       << ",\"answers_304\":" << count_304_ << ",\"answers_404\":" << count_404_
       << ",\"reads_unanswered\":" << count_failed_reads_ << ",\"writes\":" << count_writes_
       << ",\"writes_refused\":" << count_refused_ << ",\"times_in_doubt\":" << count_doubts_
       << ",\"resolved_by_repeating\":" << count_replayed_
       << ",\"unresolved\":" << in_flight_writes_ << ",\"ledger_events\":" << events_
       << ",\"bodies_compared\":" << bodies_ << ",\"longest_read_pause\":" << reads_.longest
       << ",\"longest_read_pause_nginx\":" << edge_reads_.longest
       << ",\"longest_write_pause\":" << writes_pause_.longest
       << ",\"longest_write_pause_one_reading\":" << longest_one_ << ",\"violations\":{";
  for (std::size_t i = 0; i < kFaults; ++i) {
    text << (i == 0 ? "" : ",") << '"' << name_of(static_cast<Fault>(i))
         << "\":" << findings_.count(static_cast<Fault>(i));
  }
  text << "},\"by_kind\":{";
  for (std::size_t i = 0; i < kKinds; ++i) {
    text << (i == 0 ? "" : ",") << '"' << name_of(static_cast<Kind>(i))
         << "\":" << by_kind_checked_[i];
  }
  text << "}}";
  return text.str();
}

}  // namespace codasync::faults
