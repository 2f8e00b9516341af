#include "storage/import/utf8_source.hpp"

#include <istream>
#include <utility>

namespace codasync::storage {
namespace {

constexpr std::size_t kPieceBytes = 64UL * 1024;

bool is_high_surrogate(char16_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(char16_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

Utf8Source::Utf8Source(std::istream& in) : in_{in} {}

std::string_view Utf8Source::next() {
  raw_.resize(kPieceBytes);
  in_.read(raw_.data(), static_cast<std::streamsize>(raw_.size()));
  raw_.resize(static_cast<std::size_t>(in_.gcount()));
  bytes_read_ += raw_.size();

  std::string_view piece = raw_;
  if (!encoding_) piece = recognise(piece);
  if (encoding_ == Encoding::utf8) return piece;
  transcode(piece);
  return text_;
}

bool Utf8Source::failed() const { return in_.bad(); }

/// Returns: the piece without its byte order mark.
std::string_view Utf8Source::recognise(std::string_view piece) {
  const auto starts_with = [&](std::string_view mark) { return piece.starts_with(mark); };
  const auto zero_at = [&](std::size_t i) { return piece.size() >= 4 && piece[i] == '\0'; };
  if (starts_with("\xEF\xBB\xBF")) {
    encoding_ = Encoding::utf8;
    return piece.substr(3);
  }
  const bool le_mark = starts_with("\xFF\xFE");
  const bool be_mark = starts_with("\xFE\xFF");
  if (le_mark || (!zero_at(0) && zero_at(1) && !zero_at(2) && zero_at(3))) {
    encoding_ = Encoding::utf16_le;
  } else if (be_mark || (zero_at(0) && !zero_at(1) && zero_at(2) && !zero_at(3))) {
    encoding_ = Encoding::utf16_be;
  } else {
    encoding_ = Encoding::utf8;
  }
  return le_mark || be_mark ? piece.substr(2) : piece;
}

void Utf8Source::transcode(std::string_view piece) {
  text_.clear();
  const bool at_end = piece.empty();
  for (const char c : piece) {
    const auto byte = static_cast<unsigned char>(c);
    if (!half_) {
      half_ = byte;
      continue;
    }
    const unsigned first = *std::exchange(half_, std::nullopt);
    take_unit(static_cast<char16_t>(encoding_ == Encoding::utf16_le ? first | unsigned{byte} << 8U
                                                                    : first << 8U | byte));
  }
  if (!at_end) return;
  if (high_) append(*std::exchange(high_, std::nullopt));
  if (std::exchange(half_, std::nullopt)) text_.push_back('\xFF');  // half a code unit: never valid
}

void Utf8Source::take_unit(char16_t unit) {
  if (high_) {
    const char32_t high = *std::exchange(high_, std::nullopt);
    if (is_low_surrogate(unit)) {
      append(0x10000U + ((high - 0xD800U) << 10U) + (unit - 0xDC00U));
      return;
    }
    append(high);
  }
  if (is_high_surrogate(unit)) {
    high_ = unit;
  } else {
    append(unit);
  }
}

void Utf8Source::append(char32_t code_point) {
  const auto push = [this](char32_t byte) { text_.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
    return;
  }
  if (code_point < 0x800) {
    push(0xC0U | code_point >> 6U);
  } else {
    if (code_point < 0x10000) {
      push(0xE0U | code_point >> 12U);
    } else {
      push(0xF0U | code_point >> 18U);
      push(0x80U | (code_point >> 12U & 0x3FU));
    }
    push(0x80U | (code_point >> 6U & 0x3FU));
  }
  push(0x80U | (code_point & 0x3FU));
}

}  // namespace codasync::storage
