// The keyed check of the entries (cache/entry_seal.hpp has the format): without a valid seal, an
// entry was not stored by this installation, under this key and with this expiry.

#include <sodium.h>

#include "response_cache.h"

enum {
  kFileMax = 4096,
  kFlagBytes = 4,
};

// This module does not check tokens, so the entries of an installation where each read needs one,
// of the realm 'p', are not valid here.
static const u_char kRealm = 'o';

static ngx_int_t digit_value(u_char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  digit |= 0x20;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : NGX_ERROR;
}

// Adds the key in the line between `at` and `end`. Returns: NGX_OK, also for an empty line and a
// comment, or NGX_ERROR.
static ngx_int_t add_key(seal_t* seal, const u_char* at, const u_char* end) {
  if (at == end || *at == '#') {
    return NGX_OK;
  }
  if (end - at != 2 * kSealSize || seal->count == kSealKeysMax) {
    return NGX_ERROR;
  }
  u_char* key = seal->keys[seal->count++];
  for (ngx_uint_t i = 0; i < kSealSize; i++) {
    const ngx_int_t high = digit_value(at[2 * i]);
    const ngx_int_t low = digit_value(at[2 * i + 1]);
    if (high == NGX_ERROR || low == NGX_ERROR) {
      return NGX_ERROR;
    }
    key[i] = (u_char)(high * 16 + low);
  }
  return NGX_OK;
}

static const char* read_keys(seal_t* seal, ngx_fd_t file) {
  u_char text[kFileMax + 1];
  size_t size = 0;
  ssize_t more;
  while ((more = ngx_read_fd(file, text + size, sizeof(text) - size)) > 0) {
    size += (size_t)more;
  }
  if (more < 0) {
    return "cannot be read";
  }
  if (size > kFileMax) {
    return "is longer than any file of keys";
  }
  seal->count = 0;
  const u_char* end = text + size;
  for (const u_char* line = text; line < end;) {
    const u_char* line_end = memchr(line, '\n', (size_t)(end - line));
    line_end = line_end == NULL ? end : line_end;
    if (add_key(seal, line, line_end) != NGX_OK) {
      return "must have 1 to 4 lines of 32 hexadecimal digits each";
    }
    line = line_end + 1;
  }
  return seal->count > 0 ? NULL : "has no key";
}

void seal_init(seal_t* seal) {
  ngx_memzero(seal, sizeof(*seal));
  seal->count = 1;
}

const char* seal_load(seal_t* seal, const char* path) {
  if (sodium_init() < 0) {
    return "cannot be used without libsodium";
  }
  const ngx_fd_t file = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
  if (file == NGX_INVALID_FILE) {
    return "cannot be opened";
  }
  const char* problem = read_keys(seal, file);
  ngx_close_file(file);
  return problem;
}

const u_char* seal_content(const seal_t* seal, const ngx_str_t* key, uint32_t flags,
                           const u_char* entry, size_t* size) {
  if (*size <= kSealSize) {
    return NULL;
  }
  u_char about[1 + kFlagBytes + kKeyMax];
  u_char* at = about;
  *at++ = kRealm;
  for (ngx_uint_t i = 0; i < kFlagBytes; i++) {
    *at++ = (u_char)(flags >> (8 * i));
  }
  at = ngx_cpymem(at, key->data, key->len);
  const u_char* content = entry + kSealSize;
  const size_t content_size = *size - kSealSize;
  for (ngx_uint_t i = 0; i < seal->count; i++) {
    u_char derived[kSealSize], expected[kSealSize];
    crypto_shorthash_siphashx24(derived, about, (size_t)(at - about), seal->keys[i]);
    crypto_shorthash_siphashx24(expected, content, content_size, derived);
    if (sodium_memcmp(expected, entry, kSealSize) == 0) {
      *size = content_size;
      return content;
    }
  }
  return NULL;
}
