#include <ngx_sha1.h>

#include "client_limits.h"

client_key_t key_of_address(const struct sockaddr* address) {
  static const uint64_t kMapped = 0xffff00000000U;
  client_key_t key = {0, 0};
  if (address->sa_family == AF_INET) {
    key.low = kMapped | ntohl(((const struct sockaddr_in*)address)->sin_addr.s_addr);
  } else if (address->sa_family == AF_INET6) {
    const u_char* bytes = ((const struct sockaddr_in6*)address)->sin6_addr.s6_addr;
    for (ngx_uint_t i = 0; i < 8; i++) {
      key.high = key.high << 8 | bytes[i];
      key.low = key.low << 8 | bytes[i + 8];
    }
    if (key.high != 0 || key.low >> 32 != kMapped >> 32) {
      key.low = 0;
    }
  }
  return key;
}

client_key_t key_of_token(const ngx_str_t* sent) {
  u_char hash[20];
  ngx_sha1_t state;
  ngx_sha1_init(&state);
  ngx_sha1_update(&state, sent->data, sent->len);
  ngx_sha1_final(hash, &state);
  client_key_t key;
  ngx_memcpy(&key, hash, sizeof(key));
  return key;
}
