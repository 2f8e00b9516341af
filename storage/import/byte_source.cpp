#include "storage/import/byte_source.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <istream>
#include <new>

namespace codasync::storage {

std::size_t StreamSource::take(std::span<char> into) {
  in_.read(into.data(), static_cast<std::streamsize>(into.size()));
  if (in_.bad()) throw ReadFailed{"The file could not be read to its end. Import it again."};
  return static_cast<std::size_t>(in_.gcount());
}

struct GzipSource::Inflater {
  explicit Inflater(ByteSource& source) : packed{source} {
    constexpr int kGzipOnly = 16;
    if (::inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc{};
  }
  ~Inflater() { ::inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Returns: whether there are packed bytes.
  bool fill() {
    if (stream.avail_in > 0) return true;
    const auto count = packed.read(input);
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(count);
    return count > 0;
  }

  ByteSource& packed;
  z_stream stream{};
  std::array<char, 64UL * 1024> input{};
  bool in_member{true};  // between two members the data may end
};

GzipSource::GzipSource(ByteSource& packed) : inflater_{std::make_unique<Inflater>(packed)} {}
GzipSource::~GzipSource() = default;

std::size_t GzipSource::take(std::span<char> into) {
  auto& stream = inflater_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(into.data());
  stream.avail_out = static_cast<uInt>(into.size());
  const auto taken = [&] { return into.size() - stream.avail_out; };
  while (taken() == 0) {
    if (!inflater_->fill()) {
      if (!inflater_->in_member) return 0;
      throw ReadFailed{"The gzip file ends too early: it is not complete."};
    }
    if (!inflater_->in_member) {
      ::inflateReset(&stream);
      inflater_->in_member = true;
    }
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      inflater_->in_member = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw ReadFailed{"The gzip file is damaged."};
    }
  }
  return taken();
}

PeekedSource::PeekedSource(ByteSource& source) : source_{source} {
  while (size_ < kPeekBytes) {
    const auto count = source_.read(std::span{front_}.subspan(size_));
    if (count == 0) break;
    size_ += count;
  }
}

std::size_t PeekedSource::take(std::span<char> into) {
  if (returned_ == size_) return source_.read(into);
  const auto count = std::min(into.size(), size_ - returned_);
  std::copy_n(front_ + returned_, count, into.begin());
  returned_ += count;
  return count;
}

}  // namespace codasync::storage
