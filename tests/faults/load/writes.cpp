#include <algorithm>

#include "tests/faults/load/load.hpp"

// Which writes are sent, and what their answers mean for the registers.

namespace codasync::faults {
namespace {

constexpr double kRest = 0.01;  // of a connection whose write was refused

// Of a reading whose events come late and of one moment.
constexpr double kLate = 0.5;          // of its writes, with a time of their own
constexpr double kTakenBack = 0.08;    // of its writes
constexpr std::size_t kRecentMax = 8;  // events that can be taken back
constexpr std::int64_t kLateLeast = 2;
constexpr std::int64_t kLateMost = 12;  // seconds
constexpr std::int64_t kLongAgo = 60;
constexpr double kLists = 0.1;  // of the requests that write

std::int64_t wall_clock() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Register& Load::register_of(const Write& write) {
  const auto target = static_cast<std::size_t>(write.target);
  switch (write.kind) {
    case Write::Kind::rename:
    case Write::Kind::put_product:
    case Write::Kind::change_product:
    case Write::Kind::drop_product:
      return world_.products[product_index(write)].versions;
    case Write::Kind::name_shop:
      return world_.shops[target].names;
    default:
      return world_.readings[target].versions;
  }
}

std::size_t Load::product_index(const Write& write) const {
  const auto target = static_cast<std::size_t>(write.target);
  return write.of_product() && write.kind != Write::Kind::rename ? target
                                                                 : world_.readings[target].product;
}

/// Returns: seconds since 1970, not long ago.
std::int64_t Load::moment() {
  return wall_clock() - kLateLeast -
         static_cast<std::int64_t>(below(static_cast<std::size_t>(kLateMost - kLateLeast)));
}

/// Returns: whether there was something to write.
bool Load::begin_write(Connection& connection) {
  if (happens(kLists)) return begin_list(connection);
  Write write;
  const auto draw = below(1000);
  if (draw < 3) {
    write.kind = Write::Kind::rename;
    write.target = static_cast<std::int32_t>(below(world_.readings.size()));
    const auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
    // One that comes and goes may be gone.
    if (reading.comes_and_goes || world_.products[reading.product].busy) return false;
  } else if (draw < 10) {
    write.target = static_cast<std::int32_t>(below(world_.products.size()));
    const auto& product = world_.products[static_cast<std::size_t>(write.target)];
    if (product.busy) return false;
    write.kind = !product.present() || draw < 5         ? Write::Kind::put_product
                 : !product.on_shelves && draw % 2 == 0 ? Write::Kind::drop_product
                                                        : Write::Kind::change_product;
  } else if (draw < 15) {
    write.target = static_cast<std::int32_t>(below(world_.shops.size()));
    if (world_.shops[static_cast<std::size_t>(write.target)].busy) return false;
    write.kind = Write::Kind::name_shop;
  } else {
    const bool hot = happens(options_.hot);
    write.target = static_cast<std::int32_t>(pick_reading(hot));
    auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
    if (reading.busy) return false;
    choose_event(reading, draw, write);
  }
  begin_write(connection, write);
  return true;
}

/// `draw`: below 1000.
void Load::choose_event(Reading& reading, std::size_t draw, Write& write) {
  if (reading.comes_and_goes) {
    // With a time of its own, a removal may be of what is gone, and a record of what is there.
    const bool remove = reading.reported ? draw % 2 == 0 : reading.present;
    write.kind = remove ? Write::Kind::remove : Write::Kind::record;
    if (reading.reported) write.observed_at = moment();
    return;
  }
  if (!reading.recent.empty() && happens(kTakenBack)) {
    write.kind = Write::Kind::take_back;
    const auto which = below(reading.recent.size());
    write.takes_back = reading.recent[which];
    write.as_admin = this->write(write.takes_back).imported;
    // Some are taken back twice.
    if (happens(0.8))
      reading.recent.erase(reading.recent.begin() + static_cast<std::ptrdiff_t>(which));
    return;
  }
  // Who walks along the shelves mostly sees what is known already: only `checked_at` moves.
  write.kind = draw < 450   ? Write::Kind::adjust
               : draw < 900 ? Write::Kind::sighting
               : draw < 960 ? Write::Kind::check
                            : Write::Kind::count;
  const bool uncounted = reading.scarce && !reading.counted;
  if (reading.reported && ((uncounted && write.kind == Write::Kind::adjust) || happens(kLate)))
    write.observed_at = moment();
}

/// Announces a write to the register of its reading.
void Load::begin_of_reading(std::int64_t number) {
  auto& write = this->write(number);
  auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
  auto& versions = reading.versions;
  if (write.kind == Write::Kind::record || reading.comes_and_goes) reading.busy = true;
  if (reading.is_forecast()) {
    // All its times are reported, so its events say by themselves what becomes of it.
    if (write.observed_at == 0) write.observed_at = wall_clock() - kLongAgo;
    const auto before = reading.forecast.version();
    reading.forecast.add(said(write, number));
    write.version = reading.forecast.version();
    write.quiet = write.version == before;
    if (!write.quiet) return versions.begin(write.version, reading.forecast.present());
  } else if (reading.comes_and_goes) {
    write.version = versions.acknowledged() + 1;
    return versions.begin(write.version, write.kind == Write::Kind::record);
  } else if (write.kind == Write::Kind::record) {
    write.version = versions.acknowledged() + 1;
  }
  versions.begin();
}

/// The same for a product. What its writes say is what its texts will be.
void Load::begin_of_product(std::int64_t number) {
  auto& write = this->write(number);
  auto& product = world_.products[product_index(write)];
  const auto before = product.facts.back();
  auto after = before;
  const auto n = product.next++;
  product.busy = true;
  switch (write.kind) {
    case Write::Kind::rename:
      after.name = n;
      break;
    case Write::Kind::put_product:
      after = {n, happens(0.5) ? n : 0, n, true};
      break;
    case Write::Kind::drop_product:
      after.present = false;
      break;
    default:
      change_text(write, n, after);
  }
  write.version = std::ssize(product.facts);
  product.facts.push_back(after);
  product.versions.begin(write.version, after.present);
  if (after.name == before.name && after.present == before.present) return;
  write.name = n;
  product.names.begin(n, after.present);
}

/// Changes one text, or in a file at least one. `n`: number of the new ones.
void Load::change_text(const Write& write, std::int64_t n, Product::Facts& texts) {
  if (write.imported) {
    const bool all = !texts.present;
    const auto which = 1 + below(7);
    if (all || (which & 1U) != 0) texts.name = n;
    if (all || (which & 2U) != 0) texts.brand = n;
    if (all || (which & 4U) != 0) texts.category = n;
    texts.present = true;
    return;
  }
  const auto other = [&](std::int64_t text) { return text == 0 || happens(0.7) ? n : 0; };
  switch (below(3)) {
    case 0:
      texts.name = n;
      break;
    case 1:
      texts.brand = other(texts.brand);
      break;
    default:
      texts.category = other(texts.category);
  }
}

/// Gives a write its number, and notes what was answered before it is sent.
std::int64_t Load::enter(Write write) {
  write.floor = register_of(write).newest();
  if (write.kind != Write::Kind::name_shop) {
    const auto& product = world_.products[product_index(write)];
    write.name_floor = product.names.newest();
    write.product_floor = product.versions.newest();
  }
  if (write.kind == Write::Kind::rename)
    write.reading_floor = world_.readings[static_cast<std::size_t>(write.target)].versions.newest();
  write.sent = now();
  writes_.push_back(write);
  const auto number = std::ssize(writes_) - 1;
  if (write.of_reading()) {
    begin_of_reading(number);
  } else if (write.of_product()) {
    begin_of_product(number);
  } else {
    auto& shop = world_.shops[static_cast<std::size_t>(write.target)];
    shop.busy = true;
    writes_.back().version = shop.next++;
    shop.names.begin(writes_.back().version, true);
  }
  ++in_flight_writes_;
  ++count_writes_;
  return number;
}

void Load::begin_write(Connection& connection, const Write& write) {
  send_write(connection, enter(write));
}

void Load::send_write(Connection& connection, std::int64_t number) {
  connection.write = number;
  connection.list.sender = nullptr;
  send(connection, request_of(number));
}

void Load::write_answered(Connection& connection) {
  const auto number = connection.write;
  const auto& answer = connection.client->answer();
  const auto& write = this->write(number);
  const bool repeated = tried_twice_.contains(number);
  const double at = now();
  if (answer.status == 200 || answer.status == 201 || answer.status == 204) {
    if (repeated) ++count_replayed_;
    done(number, answer);
    writes_pause_.success(at);
    if (write.of_reading()) failing_[static_cast<std::size_t>(write.target)].since = -1;
    return;
  }
  failed(write, connection.sent);
  connection.rest_until = at + kRest;
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
  doubt(number);
}

void Load::done(std::int64_t number, const Answer& answer) {
  auto& write = this->write(number);
  auto& versions = register_of(write);
  const auto target = static_cast<std::size_t>(write.target);
  Register::Result result{
      .version = write.version,
      .makes = write.quiet ? Register::Makes::nothing : Register::Makes::version,
      .floor = write.floor,
      .sent = write.sent,
      .write = number};
  switch (write.kind) {
    case Write::Kind::remove:
    case Write::Kind::take_back:
    case Write::Kind::drop_product:
      break;
    case Write::Kind::name_shop:
      world_.shops[target].id = number_after(answer.body, "\"id\":");
      result.shows = hash_of(answer.body);
      result.version = number_of_name(answer.body);
      break;
    case Write::Kind::put_product:
    case Write::Kind::change_product:
      result.shows = hash_of(answer.body);
      result.version = number_after(answer.body, "\"version\":");
      world_.check(world_.products[target], result.version, read_facts(answer.body),
                   "the answer to " + key_of(number), findings_);
      break;
    case Write::Kind::rename:
      read_renamed(number, answer, result);
      break;
    default:
      read_written(number, answer, result);
  }
  if (write.version != 0 && result.version != write.version) {
    findings_.add(Fault::lost, versions.name() + ": " + key_of(number) + " was to become version " +
                                   std::to_string(write.version) + " and was answered with " +
                                   std::to_string(result.version));
  }
  write.version = result.version;
  settle_write(number, result);
}

/// It took effect.
void Load::settle_write(std::int64_t number, const Register::Result& result) {
  auto& write = this->write(number);
  auto& versions = register_of(write);
  write.end = Write::End::done;
  write.answered = now();
  if (result.version == 0) {
    versions.acknowledge(write.answered);
  } else {
    versions.acknowledge(result, findings_);
  }
  if (result.version != write.floor) world_.changed(versions);
  if (write.name != 0) {
    auto& names = world_.products[product_index(write)].names;
    names.acknowledge(
        {.version = write.name, .floor = write.name_floor, .sent = write.sent, .write = number},
        findings_);
    world_.changed(names);
  }
  --in_flight_writes_;
  tried_twice_.erase(number);
  keep_for_later(number);
  free_target(write);
}

/// Reads the reading through which its product was renamed.
void Load::read_renamed(std::int64_t number, const Answer& answer, Register::Result& result) {
  const auto& write = this->write(number);
  auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
  const Row row = read_row(answer.body);
  if (row.id != reading.id || row.name != write.name)
    findings_.add(Fault::lost, key_of(number) + " was answered with " + std::string{answer.body});
  result.version = product_version(answer.etag);
  reading.versions.show(row.version, row.shows, {write.reading_floor, write.sent}, now(),
                        "the answer to a rename", findings_);
}

/// Reads the reading that a write was answered with.
void Load::read_written(std::int64_t number, const Answer& answer, Register::Result& result) {
  const auto& write = this->write(number);
  const auto target = static_cast<std::size_t>(write.target);
  auto& reading = world_.readings[target];
  auto& product = world_.products[reading.product];
  const Row row = read_row(answer.body);
  if (reading.id == 0) {
    reading.id = row.id;
    world_.add_id(row.id, target);
  }
  if (row.id != reading.id || row.gtin != product.gtin || (row.shows == 0) != row.removed)
    findings_.add(Fault::unexpected, key_of(number) + ": " + std::string{answer.body});
  result.version = row.version;
  result.shows = row.shows;
  // Something newer may be known already, or something of the same moment that holds.
  if (!reading.comes_and_goes && write.observed_at != 0) result.makes = Register::Makes::perhaps;
  if (row.removed) return;
  product.names.show(row.name, 0, {write.name_floor, write.sent}, now(), "the answer to a write",
                     findings_);
  const auto version = product_version(answer.etag);
  world_.check(product, version, {row.name, kUnknown, kUnknown, true},
               "the answer to " + key_of(number), findings_);
  product.versions.show(version, 0, {write.product_floor, write.sent}, now(),
                        "the answer to a write", findings_);
}

/// Notes an event that may be taken back later, or that later writes rely on.
void Load::keep_for_later(std::int64_t number) {
  const auto& write = this->write(number);
  if (write.kind < Write::Kind::adjust || write.kind > Write::Kind::count) return;
  auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
  if (!reading.reported) return;
  if (reading.scarce && !reading.counted && write.kind == Write::Kind::count) {
    reading.counted = true;
  } else if (reading.recent.size() < kRecentMax) {
    reading.recent.push_back(number);
  } else {
    reading.recent[below(kRecentMax)] = number;
  }
}

void Load::free_target(const Write& write) {
  const auto target = static_cast<std::size_t>(write.target);
  if (write.of_product()) {
    world_.products[product_index(write)].busy = false;
  } else if (write.kind == Write::Kind::name_shop) {
    world_.shops[target].busy = false;
  } else if (write.kind == Write::Kind::record || write.kind == Write::Kind::remove) {
    auto& reading = world_.readings[target];
    reading.busy = false;
    if (write.end != Write::End::refused) reading.present = write.kind == Write::Kind::record;
  }
}

/// 503 to its first attempt: nothing may have changed.
void Load::refuse(std::int64_t number) {
  auto& write = this->write(number);
  auto& versions = register_of(write);
  write.end = Write::End::refused;
  auto* reading =
      write.of_reading() ? &world_.readings[static_cast<std::size_t>(write.target)] : nullptr;
  if (write.quiet || (reading != nullptr && !reading->comes_and_goes)) {
    versions.refuse();
  } else {
    versions.refuse(write.version, findings_);
  }
  if (reading != nullptr && reading->is_forecast()) reading->forecast.undo();
  if (write.of_product()) {
    auto& product = world_.products[product_index(write)];
    product.facts.pop_back();
    if (write.name != 0) product.names.refuse(write.name, findings_);
  }
  --in_flight_writes_;
  free_target(write);
}

}  // namespace codasync::faults
