#include "credential.h"

// Of a token's text after its prefix, without its exact form (storage/token.hpp).
enum { kTokenMin = 32, kTokenMax = 128 };

static ngx_flag_t is_token(const u_char* at, const u_char* end) {
  static const char prefix[] = "coda_";
  const size_t prefix_size = sizeof(prefix) - 1;
  if ((size_t)(end - at) < prefix_size + kTokenMin ||
      (size_t)(end - at) > prefix_size + kTokenMax || ngx_strncmp(at, prefix, prefix_size) != 0) {
    return 0;
  }
  for (at += prefix_size; at < end; at++) {
    const u_char lower = *at | 0x20;
    if (!((lower >= 'a' && lower <= 'z') || (*at >= '0' && *at <= '9') || *at == '_' ||
          *at == '-')) {
      return 0;
    }
  }
  return 1;
}

// Finds the session among the cookies `a=b; c=d`.
static ngx_flag_t find_session(const ngx_str_t* cookies, ngx_str_t* sent) {
  static const ngx_str_t names[] = {ngx_string("codasync="), ngx_string("__Host-codasync=")};
  const u_char* at = cookies->data;
  const u_char* end = cookies->data + cookies->len;
  while (at < end) {
    while (at < end && (*at == ' ' || *at == ';')) {
      at++;
    }
    u_char* pair_end = ngx_strlchr((u_char*)at, (u_char*)end, ';');
    pair_end = pair_end == NULL ? (u_char*)end : pair_end;
    for (ngx_uint_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
      if ((size_t)(pair_end - at) > names[i].len &&
          ngx_strncmp(at, names[i].data, names[i].len) == 0) {
        sent->data = (u_char*)at + names[i].len;
        sent->len = (size_t)(pair_end - sent->data);
        return 1;
      }
    }
    at = pair_end;
  }
  return 0;
}

// Removes the scheme. Returns: what follows `Bearer` and spaces; empty for another scheme.
static ngx_str_t bearer(const ngx_str_t* authorization) {
  static u_char scheme[] = "bearer ";
  const size_t scheme_size = sizeof(scheme) - 1;
  ngx_str_t token = ngx_null_string;
  if (authorization->len >= scheme_size &&
      ngx_strncasecmp(authorization->data, scheme, scheme_size) == 0) {
    token.data = authorization->data + scheme_size;
    token.len = authorization->len - scheme_size;
    while (token.len > 0 && *token.data == ' ') {
      token.data++;
      token.len--;
    }
  }
  return token;
}

ngx_flag_t credential_of(const ngx_http_request_t* request, ngx_str_t* sent) {
  if (request->headers_in.authorization != NULL &&
      request->headers_in.authorization->value.len > 0) {
    *sent = bearer(&request->headers_in.authorization->value);
    return 1;
  }
  ngx_table_elt_t* const* cookies = request->headers_in.cookies.elts;
  for (ngx_uint_t i = 0; i < request->headers_in.cookies.nelts; i++) {
    if (find_session(&cookies[i]->value, sent)) {
      return 1;
    }
  }
  return 0;
}

ngx_flag_t credential_has_token_form(const ngx_str_t* sent) {
  return sent->len > 0 && is_token(sent->data, sent->data + sent->len);
}
