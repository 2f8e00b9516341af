#include "response_cache.h"

static const char kStatusLine[] = "HTTP/1.1 200 OK\r\n";

#define LENGTH(literal) (sizeof(literal) - 1)

// Nginx adds these fields itself. A value that contains one of them would have it twice.
static const ngx_str_t kAddedByNginx[] = {ngx_string("Content-Length"),
                                          ngx_string("Transfer-Encoding"), ngx_string("Connection"),
                                          ngx_string("Date"), ngx_string("Server")};

static ngx_flag_t same_name(const ngx_str_t* left, const ngx_str_t* right) {
  return left->len == right->len && ngx_strncasecmp(left->data, right->data, left->len) == 0;
}

static ngx_flag_t is_added_by_nginx(const ngx_str_t* name) {
  for (ngx_uint_t i = 0; i < sizeof(kAddedByNginx) / sizeof(kAddedByNginx[0]); i++) {
    if (same_name(name, &kAddedByNginx[i])) {
      return 1;
    }
  }
  return 0;
}

static ngx_flag_t is_name_byte(u_char byte) {
  const u_char lower = byte | 0x20;
  return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
}

// Splits `name: value` between `at` and `end`. Returns: whether it is a valid field.
static ngx_flag_t split_field(u_char* at, u_char* end, ngx_str_t* name, ngx_str_t* value) {
  name->data = at;
  while (at < end && is_name_byte(*at)) {
    at++;
  }
  name->len = (size_t)(at - name->data);
  if (name->len == 0 || end - at < 2 || at[0] != ':' || at[1] != ' ') {
    return 0;
  }
  value->data = at + 2;
  value->len = (size_t)(end - value->data);
  for (at = value->data; at < end; at++) {
    if (*at < ' ' || *at == 0x7f) {
      return 0;
    }
  }
  return value->len > 0 && !is_added_by_nginx(name);
}

static ngx_int_t add_field(ngx_http_request_t* request, const ngx_str_t* name,
                           const ngx_str_t* value) {
  static const ngx_str_t content_type = ngx_string("Content-Type");
  static const ngx_str_t etag = ngx_string("ETag");
  ngx_http_headers_out_t* out = &request->headers_out;

  if (same_name(name, &content_type)) {
    u_char* type_end = ngx_strlchr(value->data, value->data + value->len, ';');
    out->content_type = *value;
    // Nginx compares gzip_types with the type without its parameters.
    out->content_type_len = type_end == NULL ? value->len : (size_t)(type_end - value->data);
    out->content_type_lowcase = NULL;
    return NGX_OK;
  }
  ngx_table_elt_t* field = ngx_list_push(&out->headers);
  if (field == NULL) {
    return NGX_ERROR;
  }
  *field = (ngx_table_elt_t){.hash = 1, .key = *name, .value = *value};
  if (same_name(name, &etag)) {
    out->etag = field;  // Nginx compares If-None-Match with it
  }
  return NGX_OK;
}

// Copies the fields between `at` and `end` into the response of `request`; with NULL, only checks
// them. Returns: the first byte of the body, or NULL when the value is not a response.
static u_char* parse_head(ngx_http_request_t* request, u_char* at, u_char* end) {
  if ((size_t)(end - at) <= LENGTH(kStatusLine) ||
      ngx_memcmp(at, kStatusLine, LENGTH(kStatusLine)) != 0) {
    return NULL;
  }
  at += LENGTH(kStatusLine);
  for (;;) {
    u_char* line_end = ngx_strlchr(at, end, '\r');
    if (line_end == NULL || line_end + 1 >= end || line_end[1] != '\n') {
      return NULL;
    }
    if (line_end == at) {
      return at + 2;
    }
    ngx_str_t name, value;
    if (!split_field(at, line_end, &name, &value)) {
      return NULL;
    }
    if (request != NULL && add_field(request, &name, &value) != NGX_OK) {
      return NULL;
    }
    at = line_end + 2;
  }
}

ngx_int_t response_send(ngx_http_request_t* request, const u_char* value, size_t size) {
  // The whole head is checked before any of it is used: after NGX_DECLINED the service handles this
  // request.
  u_char* stored = (u_char*)value;
  u_char* body = parse_head(NULL, stored, stored + size);
  if (body == NULL || body == stored + size) {
    return NGX_DECLINED;
  }
  ngx_int_t result = ngx_http_discard_request_body(request);
  if (result != NGX_OK) {
    return result;
  }

  ngx_buf_t* buffer = ngx_create_temp_buf(request->pool, size);
  if (buffer == NULL) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  buffer->last = ngx_cpymem(buffer->pos, value, size);
  body = parse_head(request, buffer->pos, buffer->last);
  if (body == NULL) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  buffer->pos = body;
  buffer->last_buf = 1;
  buffer->last_in_chain = 1;

  // No response has a Last-Modified. Nginx would let this header count more than If-None-Match,
  // which replaces it (RFC 9110, 13.1.3).
  request->headers_in.if_modified_since = NULL;
  request->headers_out.status = NGX_HTTP_OK;
  request->headers_out.content_length_n = buffer->last - buffer->pos;
  result = ngx_http_send_header(request);
  if (result == NGX_ERROR || result > NGX_OK || request->header_only) {
    return result;
  }
  ngx_chain_t chain = {buffer, NULL};
  return ngx_http_output_filter(request, &chain);
}
