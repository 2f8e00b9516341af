#include "cache/row_commands.hpp"

#include <charconv>
#include <optional>

#include "cache/text_connection.hpp"

namespace codasync::cache {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
// As kValueBytesMax: no larger entry is stored.
constexpr std::size_t kRowBytesMax = 1'000'000;

/// Takes the word at the front of `line` and the blank after it.
std::string_view take_word(std::string_view& line) {
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end ? std::optional{number} : std::nullopt;
}

/// `VA <size> c<id> f<flags> k<key>`, and W for a placeholder that this command made, Z for one of
/// another filler.
struct Head {
  std::size_t size;
  std::uint64_t cas;
  std::uint32_t flags;
  bool made;
};

/// Returns: nothing for any other line.
std::optional<Head> head_of(std::string_view line, const Key& key) {
  if (take_word(line) != "VA") return std::nullopt;
  const auto size = number_in<std::size_t>(take_word(line));
  const auto cas = take_word(line);
  const auto flags = take_word(line);
  const auto name = take_word(line);
  if (!size || *size > kRowBytesMax || !cas.starts_with('c') || !flags.starts_with('f') ||
      !name.starts_with('k') || name.substr(1) != key.text)
    return std::nullopt;
  const auto id = number_in<std::uint64_t>(cas.substr(1));
  const auto expiry = number_in<std::uint32_t>(flags.substr(1));
  if (!id || *id == 0 || !expiry) return std::nullopt;
  return Head{*size, *id, *expiry, take_word(line) == "W"};
}

/// Memcached refuses a command, for example because no memory is free.
bool is_refusal(std::string_view line) { return line.starts_with("SERVER_ERROR "); }

}  // namespace

std::string find_row(const Key& key, std::chrono::seconds lease_ttl) {
  return "mg " + key.text + " N" + std::to_string(lease_ttl.count()) + " c f k v\r\n";
}

std::size_t take_row(std::string_view reply, const Key& key, const EntrySeal& seal, Instant now,
                     FoundRow& row) {
  row = {};
  const auto line = reply_line(reply);
  if (!line) return 0;
  if (is_refusal(*line)) {
    row.state = FoundRow::State::others;  // neither an entry nor a lease
    return line->size() + kLineEnd.size();
  }
  const auto head = head_of(*line, key);
  if (!head) refuse_reply(*line);
  const auto begin = line->size() + kLineEnd.size();
  const auto end = begin + head->size + kLineEnd.size();
  if (reply.size() < end) return 0;
  if (reply.substr(end - kLineEnd.size(), kLineEnd.size()) != kLineEnd) refuse_reply(*line);
  row.cas = head->cas;
  // Of a command like this one, or of a fill of a list.
  const bool placeholder = (head->size == 0 && head->flags == 0) || head->flags == kPlaceholder;
  if (placeholder && !head->made) {
    row.state = FoundRow::State::others;
  } else if (placeholder || is_expired(head->flags, now)) {
    row.state = FoundRow::State::leased;
  } else {
    row.state = FoundRow::State::hit;
    row.bytes = seal.open(key, head->flags, reply.substr(begin, head->size));
  }
  return end;
}

std::string store_row(const Key& key, const EntrySeal& seal, std::uint64_t cas,
                      const EntryLife& life, std::string_view bytes) {
  const auto entry = seal.close(key, life.expiry, bytes);
  return "ms " + key.text + " " + std::to_string(entry.size()) + " C" + std::to_string(cas) + " F" +
         std::to_string(life.expiry) + " T" + std::to_string(life.ttl.count()) + "\r\n" + entry +
         "\r\n";
}

std::string drop_row(const Key& key, std::uint64_t cas) {
  return "md " + key.text + " C" + std::to_string(cas) + "\r\n";
}

std::size_t take_done(std::string_view reply, bool& done) {
  const auto line = reply_line(reply);
  if (!line) return 0;
  done = *line == "HD";
  const bool refused = *line == "NF" || *line == "EX" || *line == "NS" || is_refusal(*line);
  if (!done && !refused) refuse_reply(*line);
  return line->size() + kLineEnd.size();
}

}  // namespace codasync::cache
