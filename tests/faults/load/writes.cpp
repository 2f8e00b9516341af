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

std::int64_t wall_clock() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

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

/// Returns: seconds since 1970, not long ago.
std::int64_t Load::moment() {
  return wall_clock() - kLateLeast -
         static_cast<std::int64_t>(below(static_cast<std::size_t>(kLateMost - kLateLeast)));
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

/// Tells the register what comes. Requires: the write has its number.
void Load::begin_of_reading(std::int64_t number) {
  auto& write = this->write(number);
  auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
  auto& versions = reading.versions;
  write.name_floor = world_.products[reading.product].names.newest();
  if (write.kind == Write::Kind::record || reading.comes_and_goes) reading.busy = true;
  if (reading.is_forecast()) {
    // All its times are reported, so its events say by themselves what becomes of it.
    if (write.observed_at == 0) write.observed_at = wall_clock() - kLongAgo;
    const auto before = reading.forecast.version();
    reading.forecast.add(said(number));
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

void Load::begin_write(Connection& connection, Write write) {
  write.floor = register_of(write).newest();
  write.sent = now();
  writes_.push_back(write);
  const auto number = static_cast<std::int64_t>(writes_.size()) - 1;
  auto& begun = writes_.back();
  const auto target = static_cast<std::size_t>(write.target);
  switch (write.kind) {
    case Write::Kind::name_product:
    case Write::Kind::drop_product: {
      auto& product = world_.products[target];
      product.busy = true;
      begun.version = product.next++;
      product.names.begin(begun.version, write.kind == Write::Kind::name_product);
      break;
    }
    case Write::Kind::name_shop: {
      auto& shop = world_.shops[target];
      shop.busy = true;
      begun.version = shop.next++;
      shop.names.begin(begun.version, true);
      break;
    }
    default:
      begin_of_reading(number);
  }
  ++in_flight_writes_;
  ++count_writes_;
  send_write(connection, number);
}

void Load::send_write(Connection& connection, std::int64_t number) {
  connection.write = number;
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
  write.end = Write::End::done;
  write.answered = now();
  Register::Told told{.version = write.version,
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
      [[fallthrough]];
    case Write::Kind::name_product:
      told.shows = hash_of(answer.body);
      told.version = number_of_name(answer.body);
      break;
    default:
      read_written(number, answer, told);
  }
  if (write.version != 0 && told.version != write.version) {
    findings_.add(Fault::lost, versions.name() + ": " + key_of(number) + " was to become version " +
                                   std::to_string(write.version) + " and was answered with " +
                                   std::to_string(told.version));
  }
  write.version = told.version;
  if (write.kind == Write::Kind::take_back) {
    versions.acknowledge(write.answered);
  } else {
    versions.acknowledge(told, findings_);
  }
  if (told.version != write.floor) world_.changed(versions);
  --in_flight_writes_;
  tried_twice_.erase(number);
  remember(number);
  free_target(write);
}

/// Reads the reading that a write was answered with.
void Load::read_written(std::int64_t number, const Answer& answer, Register::Told& told) {
  const auto& write = this->write(number);
  const auto target = static_cast<std::size_t>(write.target);
  auto& reading = world_.readings[target];
  auto& product = world_.products[reading.product];
  const Row row = read_row(answer.body);
  if (reading.id == 0) {
    reading.id = row.id;
    world_.learn(row.id, target);
  }
  if (row.id != reading.id || row.gtin != product.gtin || (row.shows == 0) != row.removed)
    findings_.add(Fault::unexpected, key_of(number) + ": " + std::string{answer.body});
  told.version = row.version;
  told.shows = row.shows;
  // Something newer may be known already, or something of the same moment that holds.
  if (!reading.comes_and_goes && write.observed_at != 0) told.makes = Register::Makes::perhaps;
  if (row.removed) return;
  product.names.show(row.name, 0, {write.name_floor, write.sent}, now(), "the answer to a write",
                     findings_);
}

/// Notes an event that somebody may take back, or that others rely on.
void Load::remember(std::int64_t number) {
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
  auto& write = this->write(number);
  auto& versions = register_of(write);
  write.end = Write::End::refused;
  const auto* reading =
      write.of_reading() ? &world_.readings[static_cast<std::size_t>(write.target)] : nullptr;
  if (write.quiet || (reading != nullptr && !reading->comes_and_goes)) {
    versions.refuse();
  } else {
    versions.refuse(write.version, findings_);
  }
  if (reading != nullptr && reading->is_forecast())
    world_.readings[static_cast<std::size_t>(write.target)].forecast.undo();
  --in_flight_writes_;
  free_target(write);
}

}  // namespace codasync::faults
