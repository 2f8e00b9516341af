#include "storage/import/utf8_source.hpp"

#include <iconv.h>

#include <stdexcept>
#include <utility>

namespace codasync::storage {
namespace {

using Kind = FileEncoding::Kind;

constexpr std::size_t kPieceBytes = 64UL * 1024;
constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr std::size_t kMarksMax = 2;

bool is_high_surrogate(char16_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(char16_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

SingleByteDecoder::SingleByteDecoder(const std::string& name) {
  const auto converter = ::iconv_open("UTF-8", name.c_str());
  if (converter == reinterpret_cast<iconv_t>(-1)) {
    throw std::runtime_error{"the C library of this system cannot decode " + name};
  }
  for (std::size_t byte = 0; byte < characters_.size(); ++byte) {
    char in = static_cast<char>(byte);
    std::array<char, 8> out{};
    char* from = &in;
    char* to = out.data();
    std::size_t in_left = 1;
    std::size_t out_left = out.size();
    const bool decoded = ::iconv(converter, &from, &in_left, &to, &out_left) == 0;
    characters_[byte] = decoded ? std::string{out.data(), out.size() - out_left} : std::string{in};
    ::iconv(converter, nullptr, nullptr, nullptr, nullptr);
  }
  ::iconv_close(converter);
}

Utf8Source::Utf8Source(ByteSource& bytes, FileEncoding encoding)
    : bytes_{bytes}, encoding_{std::move(encoding)} {
  if (encoding_.kind == Kind::single_byte) single_byte_.emplace(encoding_.name);
}

std::string_view Utf8Source::next() {
  // Marks at the front can be all of the first piece.
  while (fill()) {
    if (first_ && encoding_.kind == Kind::automatic) recognise();
    std::string_view piece = raw_;
    if (encoding_.kind != Kind::utf8) {
      transcode(piece);
      piece = text_;
    }
    if (first_) {
      for (std::size_t i = 0; i < kMarksMax && piece.starts_with(kMark); ++i) {
        piece.remove_prefix(kMark.size());
      }
      first_ = false;
    }
    if (!piece.empty()) return piece;
  }
  if (std::exchange(ended_, true)) return {};
  text_.clear();
  if (high_) append(*std::exchange(high_, std::nullopt));
  if (std::exchange(half_, std::nullopt)) text_.push_back('\xFF');  // half a code unit: never valid
  return text_;
}

/// Returns: whether there are more bytes.
bool Utf8Source::fill() {
  raw_.resize(kPieceBytes);
  std::size_t size = 0;
  // The encoding and the marks are recognised by the first bytes, which may come one by one.
  do {
    const auto count = bytes_.read({raw_.data() + size, raw_.size() - size});
    if (count == 0) break;
    size += count;
  } while (first_ && size < 8);
  raw_.resize(size);
  return size > 0;
}

void Utf8Source::recognise() {
  const std::string_view front = raw_;
  const auto zero_at = [&](std::size_t i) { return front.size() >= 4 && front[i] == '\0'; };
  const bool le_mark = front.starts_with("\xFF\xFE");
  const bool be_mark = front.starts_with("\xFE\xFF");
  if (le_mark || (!zero_at(0) && zero_at(1) && !zero_at(2) && zero_at(3))) {
    encoding_ = {Kind::utf16_le, "UTF-16LE"};
  } else if (be_mark || (zero_at(0) && !zero_at(1) && zero_at(2) && !zero_at(3))) {
    encoding_ = {Kind::utf16_be, "UTF-16BE"};
  } else {
    encoding_ = {Kind::utf8, "UTF-8"};
  }
}

void Utf8Source::transcode(std::string_view piece) {
  text_.clear();
  if (single_byte_) {
    for (const char byte : piece) text_ += (*single_byte_)[byte];
    return;
  }
  for (const char c : piece) {
    const auto byte = static_cast<unsigned char>(c);
    if (!half_) {
      half_ = byte;
      continue;
    }
    const unsigned first = *std::exchange(half_, std::nullopt);
    const bool little = encoding_.kind == Kind::utf16_le;
    take_unit(static_cast<char16_t>(little ? first | unsigned{byte} << 8U : first << 8U | byte));
  }
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
