// The entries of lists (cache/README.md, "Lists"; cache/list_entry.hpp has their format). A list is
// looked up in the place of its address, together with the token of its generation, which ends with
// the first change. The entry contains the address and the token under which it was read.

#include "response_cache.h"

enum {
  kPlaces = 8192,  // as kListPlaces in cache/key.hpp
  kAddressMax = 8 * 1024,
};

static const char kPlacePrefix[] = "list2:";
static const char kComma[] = "%2C";

#define LENGTH(literal) (sizeof(literal) - 1)

// Sets the address: the URI as it was sent, without a slash at the end of its path, and with each
// comma as canonical queries have it. Clients send all of these forms. Any other form of a query
// has no entry under its own address: the service finds the one of the canonical query.
static ngx_int_t set_address(look_up_t* look_up) {
  const ngx_str_t* uri = &look_up->request->unparsed_uri;
  size_t path = uri->len;
  size_t commas = 0;
  for (size_t i = 0; i < uri->len; i++) {
    if (uri->data[i] <= ' ' || uri->data[i] >= 0x7f) {
      return NGX_DECLINED;
    }
    if (uri->data[i] == '?' && path == uri->len) {
      path = i;
    }
    commas += uri->data[i] == ',';
  }
  const ngx_flag_t has_slash = path > 0 && uri->data[path - 1] == '/';
  look_up->address = *uri;
  if (commas == 0 && !has_slash) {
    return NGX_OK;
  }
  const size_t size = uri->len - (size_t)has_slash + commas * (LENGTH(kComma) - 1);
  if (size > kAddressMax) {
    return NGX_DECLINED;
  }
  u_char* at = ngx_pnalloc(look_up->request->pool, size);
  if (at == NULL) {
    return NGX_ERROR;
  }
  look_up->address.data = at;
  look_up->address.len = size;
  for (size_t i = 0; i < uri->len; i++) {
    if (has_slash && i == path - 1) {
      continue;
    }
    if (uri->data[i] == ',') {
      at = ngx_cpymem(at, kComma, LENGTH(kComma));
    } else {
      *at++ = uri->data[i];
    }
  }
  return NGX_OK;
}

ngx_int_t list_keys(look_up_t* look_up, const ngx_str_t* generation) {
  const ngx_int_t result = set_address(look_up);
  if (result != NGX_OK) {
    return result;
  }
  ngx_str_t* place = &look_up->keys[1];
  place->data = ngx_pnalloc(look_up->request->pool, LENGTH(kPlacePrefix) + NGX_INT32_LEN);
  if (place->data == NULL) {
    return NGX_ERROR;
  }
  const uint32_t number = ngx_crc32_long(look_up->address.data, look_up->address.len) % kPlaces;
  place->len = (size_t)(ngx_sprintf(place->data, "%s%uD", kPlacePrefix, number) - place->data);
  look_up->keys[0] = *generation;
  look_up->key_count = 2;
  return NGX_OK;
}

ngx_flag_t list_take_token(look_up_t* look_up, const u_char* value, size_t size) {
  if (size != kTokenSize) {
    return 0;
  }
  for (size_t i = 0; i < size; i++) {
    const ngx_flag_t is_digit =
        (value[i] >= '0' && value[i] <= '9') || (value[i] >= 'a' && value[i] <= 'f');
    if (!is_digit) {
      return 0;
    }
  }
  ngx_memcpy(look_up->token, value, kTokenSize);
  return 1;
}

const u_char* list_response(const look_up_t* look_up, const u_char* value, size_t* size) {
  const size_t head = kTokenSize + 1 + look_up->address.len + 2;
  if (*size < head || ngx_memcmp(value, look_up->token, kTokenSize) != 0) {
    return NULL;
  }
  const u_char* address = value + kTokenSize + 1;
  const u_char* end = address + look_up->address.len;
  if (address[-1] != ' ' || end[0] != '\r' || end[1] != '\n' ||
      ngx_memcmp(address, look_up->address.data, look_up->address.len) != 0) {
    return NULL;
  }
  *size -= head;
  return value + head;
}
