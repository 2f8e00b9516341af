#pragma once

#include <cstddef>
#include <string>

namespace codasync::barcode {

/// Why a code cannot be read.
struct ParseError {
  std::size_t at;  // the byte of the code as it was sent; its length: something is missing there
  std::string detail;  // sentences for the user; they contain no text of the code but digits
};

}  // namespace codasync::barcode
