#include <algorithm>

#include "tests/faults/load/fields.hpp"
#include "tests/faults/load/load.hpp"

// Lists of operations, and the copies of the devices.

namespace codasync::faults {
namespace {

constexpr double kRest = 0.05;        // of a connection without a decision
constexpr double kDoubtRest = 0.2;    // before operations without a result are sent again
constexpr std::size_t kListMax = 12;  // new operations in a list
constexpr double kSentAgain = 0.3;    // of the lists, with operations that had a result before
constexpr std::size_t kDecidedMax = 100;
constexpr double kEarlyVoid = 0.1;  // of a device's events, with a void before them
constexpr double kShortPage = 0.2;  // of the pulls
constexpr double kShuffled = 0.5;
constexpr std::size_t kDevicesOfShop = 2;  // or more, with few shops
constexpr std::size_t kDevicesLeast = 16;
constexpr std::size_t kPrograms = 6;  // that send batches

}  // namespace

void Load::make_senders() {
  const auto add = [&](bool synchronises, std::size_t shop, bool device) {
    const auto number = senders_.size();
    senders_.push_back(
        {.number = number,
         .synchronises = synchronises,
         .device = device ? std::optional{numbered_uuid(-1 - std::ssize(senders_))} : std::nullopt,
         .shop = shop,
         .waiting = {},
         .decided = {},
         .epoch = {},
         .since = {},
         .copy = std::vector<CopiedRow>(synchronises ? world_.on_shelves : 0)});
  };
  const auto devices = std::max(kDevicesOfShop * world_.shops.size(), kDevicesLeast);
  for (std::size_t i = 0; i < devices; ++i) add(true, i % world_.shops.size(), true);
  for (std::size_t i = 0; i < kPrograms; ++i) add(false, 0, i % 3 == 0);
}

/// Returns: whether there was a list to send.
bool Load::begin_list(Connection& connection) {
  auto& sender = senders_[below(senders_.size())];
  if (sender.busy) return false;
  const auto count = 1 + below(kListMax);
  for (std::size_t i = 0; i < count; ++i) add_to_list(sender);
  if (sender.waiting.empty() && !sender.synchronises) return false;
  sender.busy = true;
  send_list(connection, sender);
  return true;
}

/// Adds a new operation, if the reading that chance selects can have one.
void Load::add_to_list(Sender& sender) {
  auto target = pick_reading(happens(options_.hot));
  if (sender.synchronises) target = sender.shop * world_.on_shelves + target % world_.on_shelves;
  auto& reading = world_.readings[target];
  // Each operation of a device has a time of its own.
  if (reading.busy || (sender.synchronises && !reading.reported)) return;
  Write write{.target = static_cast<std::int32_t>(target),
              .sender = static_cast<std::int32_t>(sender.number)};
  choose_event(reading, 15 + below(985), write);
  if (sender.synchronises && write.observed_at == 0) write.observed_at = moment();
  // The senders of lists have the token of staff.
  if (write.kind == Write::Kind::take_back && (!sender.synchronises || write.as_admin)) return;
  const auto number = enter(write);
  sender.waiting.push_back(number);
  ++count_listed_;
  const bool voidable = sender.synchronises && !reading.scarce &&
                        write.kind >= Write::Kind::adjust && write.kind <= Write::Kind::count;
  if (!voidable || !happens(kEarlyVoid)) return;
  // The device takes it back before it has sent it.
  write.kind = Write::Kind::take_back;
  write.takes_back = number;
  sender.waiting.insert(sender.waiting.end() - 1, enter(write));
  ++count_listed_;
}

/// Sends what waits, and sometimes some of what was decided before.
void Load::send_list(Connection& connection, Sender& sender) {
  ListRequest list{.sender = &sender, .writes = sender.waiting, .floors = {}};
  if (!sender.decided.empty() && happens(kSentAgain)) {
    list.writes.push_back(sender.decided[below(sender.decided.size())]);
    ++count_sent_again_;
  }
  if (happens(kShuffled)) std::shuffle(list.writes.begin(), list.writes.end(), random_);
  const auto note = [&](const Reading& reading) {
    const auto& product = world_.products[reading.product];
    for (const auto* each : {&reading.versions, &product.names, &product.versions})
      list.floors[each] = each->newest();
  };
  for (const auto number : list.writes)
    note(world_.readings[static_cast<std::size_t>(write(number).target)]);
  if (sender.synchronises) {
    for (std::size_t p = 0; p < world_.on_shelves; ++p) note(world_.reading(sender.shop, p));
  }
  ++count_lists_;
  connection.write = -1;
  auto request = list_request(list);
  connection.list = std::move(list);
  send(connection, std::move(request));
}

std::string Load::list_request(const ListRequest& list) {
  const auto& sender = *list.sender;
  std::string operations;
  for (const auto number : list.writes)
    operations += (operations.empty() ? "" : ",") + operation_of(sender, number);
  Fields body;
  if (sender.device) body.add_text("device", to_string(*sender.device));
  body.add(sender.synchronises ? "operations" : "items", '[' + operations + ']');
  if (sender.synchronises) {
    body.add("shop", world_.shops[sender.shop].id);
    if (!sender.since.empty()) body.add_text("since", sender.since);
    if (happens(kShortPage)) body.add("limit", static_cast<std::int64_t>(1 + below(7)));
  }
  const auto text = body.object();
  return std::string{"POST /api/v1/"} + (sender.synchronises ? "sync" : "stock-readings/batch") +
         " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + options_.staff_token +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(text.size()) +
         "\r\n\r\n" + text;
}

std::string Load::operation_of(const Sender& sender, std::int64_t number) const {
  const auto& write = this->write(number);
  const auto& reading = world_.readings[static_cast<std::size_t>(write.target)];
  const auto said = this->said(write, number);
  Fields body;
  body.add_text("id", sender.device ? to_string(numbered_uuid(number)) : key_of(number));
  body.add_text("GTIN", world_.products[reading.product].gtin);
  if (!sender.synchronises) body.add("shop", world_.shops[reading.shop].id);
  if (write.observed_at != 0) body.add_text("observed_at", said.observed_at + "Z");
  const char* what = "sighting";
  switch (said.kind) {
    case 'a':
      what = "adjust";
      body.add("delta", said.delta);
      break;
    case 'r':
      what = "remove";
      break;
    case 'v':
      what = "void";
      if (this->write(write.takes_back).sender == write.sender) {
        body.add_text("voids_operation", to_string(numbered_uuid(write.takes_back)));
      } else {
        body.add_text("voids", said.voids);
      }
      break;
    case 'q':
      what = "count";
      body.add("quantity", *said.quantity);
      break;
    default:
      what = said.kind == 'c' ? "check" : "sighting";
      add_date_and_quantity(said, body);
  }
  const bool records = said.kind == 's' || said.kind == 'c' || said.kind == 'q';
  if (sender.synchronises || records) body.add_text("kind", what);
  if (!sender.synchronises) body.add_text("op", records ? "record" : what);
  return body.object();
}

void Load::list_answered(Connection& connection) {
  const auto& list = connection.list;
  auto& sender = *list.sender;
  const auto& answer = connection.client->answer();
  if (answer.status == 200) {
    for (const auto result : results_of(answer.body))
      result_answered(list, result, connection.sent);
    if (sender.synchronises) read_changes(list, answer, connection.sent);
    if (sender.waiting.empty()) {
      sender.busy = false;
    } else {
      list_lost(list, connection.sent);
    }
    return;
  }
  connection.rest_until = now() + kRest;
  if (answer.status == 410 && sender.synchronises) {
    ++count_resyncs_;
    sender.start_again();
  } else if (answer.status == 503) {
    // All are tried for the first time, or none.
    const bool first = !sender.waiting.empty() && !tried_twice_.contains(sender.waiting.front());
    if (first) return list_refused(sender, connection.sent);
  } else if (answer.status != 502 && answer.status != 504) {
    findings_.add(Fault::unexpected, "a list of sender " + std::to_string(sender.number) +
                                         " was answered " + std::to_string(answer.status) + " " +
                                         std::string{answer.body.substr(0, 300)});
  }
  list_lost(list, connection.sent);
}

/// What has no result is sent again until it has one.
void Load::list_lost(const ListRequest& list, double sent) {
  auto& sender = *list.sender;
  if (sender.waiting.empty()) {
    sender.busy = false;  // it only pulled
    return;
  }
  for (const auto number : sender.waiting) {
    ++count_doubts_;
    tried_twice_.insert(number);
    failed(write(number), sent);
  }
  doubts_.push({now() + kDoubtRest, -1, &sender});
}

/// 503 to the first attempt: nothing may have changed.
void Load::list_refused(Sender& sender, double sent) {
  // In reverse order, as their versions were announced.
  for (auto number = sender.waiting.rbegin(); number != sender.waiting.rend(); ++number) {
    ++count_refused_;
    failed(write(*number), sent);
    refuse(*number);
  }
  sender.waiting.clear();
  sender.busy = false;
}

/// Holds a reading of an answer against what was known when the request was sent. Returns: it;
/// nullopt when the answer must not show it.
std::optional<Row> Load::judge_listed(const ListRequest& list, std::string_view object, double sent,
                                      const char* where) {
  const auto row = read_row(object);
  const auto* known = world_.reading_of(row.id);
  if (known == nullptr || world_.shops[known->shop].id != row.shop ||
      world_.products[known->product].gtin != row.gtin || (row.shows == 0) != row.removed) {
    findings_.add(Fault::unexpected, std::string{where} + " shows " + std::string{object});
    return std::nullopt;
  }
  auto& product = world_.products[known->product];
  const auto version = number_after(object, "\"product_version\":");
  const auto asked = [&](const Register& of) { return Register::Asked{list.floors.at(&of), sent}; };
  product.versions.show(version, 0, asked(product.versions), now(), where, findings_);
  if (row.removed) return row;
  product.names.show(row.name, 0, asked(product.names), now(), where, findings_);
  world_.check(product, version, {row.name, kUnknown, kUnknown, true}, where, findings_);
  return row;
}

void Load::result_answered(const ListRequest& list, std::string_view result, double sent) {
  auto& sender = *list.sender;
  const auto id = text_after(result, "{\"id\":\"");
  const auto found = std::ranges::find_if(list.writes, [&](std::int64_t number) {
    return id == (sender.device ? to_string(numbered_uuid(number)) : key_of(number));
  });
  const auto name = "the result " + std::string{result.substr(0, 300)};
  if (found == list.writes.end())
    return findings_.add(Fault::unexpected, name + " is of no operation of its request");
  const auto number = *found;
  auto& versions = register_of(write(number));
  const auto outcome = text_after(result, "\"outcome\":\"");
  const bool again = write(number).end == Write::End::done;
  std::erase(sender.waiting, number);
  if (outcome == "rejected") {
    findings_.add(Fault::unexpected, name);
    if (!again) refuse(number);
    return;
  }
  if (text_after(result, "\"event\":\"") != id_of(number))
    findings_.add(Fault::unexpected, name + " has another event than " + id_of(number));
  const auto row = judge_listed(list, reading_in(result), sent, "a result");
  const bool duplicate = outcome == "duplicate";
  if (again && !duplicate)
    findings_.add(Fault::doubled, versions.name() + ": " + name + " was decided before");
  if (!again && duplicate && !tried_twice_.contains(number))
    findings_.add(Fault::doubled, versions.name() + ": " + name + " was never sent before");
  // A duplicate shows the reading as it is now, the others as they made it.
  if (row && duplicate)
    versions.show(row->version, row->shows, {list.floors.at(&versions), sent}, now(), "a duplicate",
                  findings_);
  if (!again) decide(number, result, duplicate ? std::nullopt : row);
  if (row && sender.synchronises && sender.complete)
    sender.take(world_.reading_of(row->id)->product,
                {row->version, number_after(reading_in(result), "\"product_version\":"), row->name,
                 row->shows});
}

/// `row`: as the write made it; nullopt: it was decided by an earlier attempt.
void Load::decide(std::int64_t number, std::string_view result, const std::optional<Row>& row) {
  auto& write = this->write(number);
  auto& sender = senders_[static_cast<std::size_t>(write.sender)];
  auto& versions = register_of(write);
  if (tried_twice_.contains(number) && !row) ++count_replayed_;
  Register::Result made{
      .version = row ? row->version : write.version,  // of a single writer it is known
      .makes = write.quiet                                    ? Register::Makes::nothing
               : write.observed_at != 0 && write.version == 0 ? Register::Makes::perhaps
                                                              : Register::Makes::version,
      .floor = write.floor,
      .sent = write.sent,
      .write = number};
  if (row) made.shows = row->shows;
  if (write.version != 0 && made.version != write.version)
    findings_.add(Fault::lost, versions.name() + ": " + std::string{result.substr(0, 300)} +
                                   " was to become version " + std::to_string(write.version));
  write.version = made.version;
  const auto target = static_cast<std::size_t>(write.target);
  settle_write(number, made);
  writes_pause_.success(now());
  failing_[target].since = -1;
  if (sender.decided.size() < kDecidedMax) {
    sender.decided.push_back(number);
  } else {
    sender.decided[below(kDecidedMax)] = number;
  }
}

/// Brings the copy of the device up to date.
void Load::read_changes(const ListRequest& list, const Answer& answer, double sent) {
  auto& sender = *list.sender;
  const auto epoch = text_after(answer.body, "\"epoch\":\"");
  if (!sender.epoch.empty() && epoch != sender.epoch) {
    ++count_resyncs_;
    return sender.start_again();
  }
  sender.epoch = epoch;
  for (const auto object : changes_of(answer.body)) {
    ++count_changes_;
    const auto row = judge_listed(list, object, sent, "a change");
    if (!row) continue;
    auto& reading = world_.readings[index_of(*world_.reading_of(row->id))];
    reading.versions.show(row->version, row->shows, {list.floors.at(&reading.versions), sent},
                          now(), "a change", findings_);
    sender.take(reading.product, {row->version, number_after(object, "\"product_version\":"),
                                  row->name, row->shows});
  }
  sender.since = text_after(answer.body, "\"next\":\"");
  if (number_after(answer.body, "\"behind_ms\":") < 0 || sender.since.empty())
    findings_.add(Fault::unexpected,
                  "/sync was answered " + std::string{answer.body.substr(0, 300)});
  if (answer.body.find("\"more\":false") != std::string_view::npos) sender.complete = true;
}

/// Returns: how the copy differs from the rows; empty: it does not.
std::string Load::copy_difference(const Sender& sender, const std::vector<CopiedRow>& rows) const {
  for (std::size_t p = 0; p < world_.on_shelves; ++p) {
    const auto& row = rows[sender.shop * world_.on_shelves + p];
    const auto& copied = sender.copy[p];
    const bool both_absent = row.shows == 0 && copied.version == 0;
    if (both_absent || (row.version == copied.version && row.shows == copied.shows &&
                        (row.shows == 0 || row.name == copied.name)))
      continue;
    return world_.readings[sender.shop * world_.on_shelves + p].versions.name() + ": device " +
           std::to_string(sender.number) + " has version " + std::to_string(copied.version) +
           ", the row is version " + std::to_string(row.version);
  }
  return {};
}

}  // namespace codasync::faults
