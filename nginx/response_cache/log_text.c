// $log_uri, $log_agent, $log_traceparent: texts of the client for the log. Each is valid UTF-8
// without control characters and of limited length, so that every line of the log can be read and a
// client decides little about its size. Secrets are replaced by ***: access tokens, and the values
// of query parameters that usually have secrets. The error log gets the same text of the address.

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

enum { kUriMax = 1024, kAgentMax = 200, kTraceMax = 64 };

static const ngx_str_t kMask = ngx_string("***");
static const ngx_str_t kTokenPrefix = ngx_string("coda_");
// The ends of the names of query parameters whose values are masked.
static const ngx_str_t kSecretNames[] = {
    ngx_string("token"),  ngx_string("password"),      ngx_string("passwd"), ngx_string("secret"),
    ngx_string("apikey"), ngx_string("authorization"), ngx_string("api_key")};

static ngx_int_t uri_index, agent_index, trace_index;

typedef struct {
  u_char* at;
  u_char* end;
} output_t;

static void put(output_t* out, const u_char* text, size_t size) {
  size = ngx_min(size, (size_t)(out->end - out->at));
  out->at = ngx_cpymem(out->at, text, size);
}

static ngx_flag_t is_token_byte(u_char byte) {
  const u_char lower = byte | 0x20;
  return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
         byte == '-';
}

// Returns: whether the query parameter that ends before `end` and begins after `begin` has a name
// with one of the ends above.
static ngx_flag_t is_secret_name(u_char* begin, u_char* end) {
  for (ngx_uint_t i = 0; i < sizeof(kSecretNames) / sizeof(kSecretNames[0]); i++) {
    const ngx_str_t* name = &kSecretNames[i];
    if ((size_t)(end - begin) >= name->len &&
        ngx_strncasecmp(end - name->len, name->data, name->len) == 0) {
      return 1;
    }
  }
  return 0;
}

// Returns: the size of the well-formed UTF-8 character at `at` (Unicode 15, table 3-7); 0 when
// the byte does not begin one, or it is a control character.
static size_t character_size(const u_char* at, const u_char* end) {
  if (*at < 0x80) {
    return *at >= 0x20 && *at != 0x7f;
  }
  const size_t size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
  if (*at < 0xc2 || *at > 0xf4 || (size_t)(end - at) < size) {
    return 0;
  }
  for (size_t i = 1; i < size; i++) {
    if ((at[i] & 0xc0) != 0x80) {
      return 0;
    }
  }
  const ngx_flag_t bad = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
                         (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) ||
                         (at[0] == 0xc2 && at[1] < 0xa0);
  return bad ? 0 : size;
}

// Writes `text` for the log: at most `max` bytes of it, then an ellipsis.
static ngx_int_t set_text(ngx_http_request_t* request, ngx_http_variable_value_t* value,
                          const ngx_str_t* text, size_t max) {
  static const ngx_str_t ellipsis = ngx_string("…");
  const size_t room =
      ngx_min(text->len, max) * 2 + kMask.len;  // a mask may be longer than its text
  u_char* bytes = ngx_pnalloc(request->pool, room + ellipsis.len);
  if (bytes == NULL) {
    return NGX_ERROR;
  }
  output_t out = {bytes, bytes + room};
  u_char* at = text->data;
  u_char* end = text->data + text->len;
  u_char* name = NULL;  // of a query parameter
  while (at < end && (size_t)(out.at - bytes) < max) {
    const size_t left = (size_t)(end - at);
    if (*at == '=' && name != NULL && is_secret_name(name, at)) {
      put(&out, at, 1);
      put(&out, kMask.data, kMask.len);
      while (at < end && *at != '&' && *at != ' ') {
        at++;
      }
      name = NULL;
    } else if (left > kTokenPrefix.len &&
               ngx_strncmp(at, kTokenPrefix.data, kTokenPrefix.len) == 0) {
      put(&out, at, kTokenPrefix.len);
      put(&out, kMask.data, kMask.len);
      at += kTokenPrefix.len;
      while (at < end && is_token_byte(*at)) {
        at++;
      }
    } else {
      if (*at == '?' || *at == '&') {
        name = at + 1;
      }
      const size_t size = character_size(at, end);
      put(&out, size == 0 ? (const u_char*)"?" : at, ngx_max(size, 1));
      at += ngx_max(size, 1);
    }
  }
  if (at < end) {
    out.at = ngx_cpymem(out.at, ellipsis.data, ellipsis.len);
  }
  value->data = bytes;
  value->len = (unsigned)(out.at - bytes) & 0xfffffff;
  value->valid = 1;
  value->no_cacheable = 0;
  value->not_found = 0;
  return NGX_OK;
}

static ngx_int_t uri_variable(ngx_http_request_t* request, ngx_http_variable_value_t* value,
                              uintptr_t data) {
  (void)data;
  return set_text(request, value, &request->unparsed_uri, kUriMax);
}

static ngx_int_t header_variable(ngx_http_request_t* request, ngx_http_variable_value_t* value,
                                 uintptr_t data) {
  const ngx_http_variable_value_t* sent = ngx_http_get_indexed_variable(
      request, (ngx_uint_t)(data == kAgentMax ? agent_index : trace_index));
  if (sent == NULL || sent->not_found) {
    value->not_found = 1;
    return NGX_OK;
  }
  const ngx_str_t text = {sent->len, sent->data};
  return set_text(request, value, &text, data);
}

// What stands after a message in the error log. Nginx' own function writes the request line, Host
// and Referer as they were sent.
static u_char* log_request(ngx_http_request_t* request, ngx_http_request_t* subrequest,
                           u_char* text, size_t size) {
  const ngx_http_variable_value_t* uri =
      ngx_http_get_indexed_variable(request, (ngx_uint_t)uri_index);
  u_char* end = text + size;
  text = ngx_slprintf(text, end, ", request: \"%V", &request->method_name);
  if (uri != NULL && !uri->not_found) {
    text = ngx_slprintf(text, end, " %v", uri);
  }
  text = ngx_slprintf(text, end, "\"");
  if (subrequest->upstream != NULL && subrequest->upstream->peer.name != NULL) {
    text = ngx_slprintf(text, end, ", upstream: \"%V\"", subrequest->upstream->peer.name);
  }
  return text;
}

static ngx_int_t set_log_handler(ngx_http_request_t* request) {
  request->log_handler = log_request;
  return NGX_DECLINED;
}

static ngx_int_t add_log_handler(ngx_conf_t* cf) {
  ngx_http_core_main_conf_t* core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
  ngx_http_handler_pt* handler = ngx_array_push(&core->phases[NGX_HTTP_POST_READ_PHASE].handlers);
  if (handler == NULL) {
    return NGX_ERROR;
  }
  *handler = set_log_handler;
  return NGX_OK;
}

static ngx_int_t add_variables(ngx_conf_t* cf) {
  static ngx_str_t uri = ngx_string("log_uri"), agent = ngx_string("log_agent"),
                   trace = ngx_string("log_traceparent");
  static ngx_str_t sent_agent = ngx_string("http_user_agent"),
                   sent_trace = ngx_string("http_traceparent");
  ngx_http_variable_t* of_uri = ngx_http_add_variable(cf, &uri, 0);
  ngx_http_variable_t* of_agent = ngx_http_add_variable(cf, &agent, 0);
  ngx_http_variable_t* of_trace = ngx_http_add_variable(cf, &trace, 0);
  uri_index = ngx_http_get_variable_index(cf, &uri);
  agent_index = ngx_http_get_variable_index(cf, &sent_agent);
  trace_index = ngx_http_get_variable_index(cf, &sent_trace);
  if (of_uri == NULL || of_agent == NULL || of_trace == NULL || agent_index == NGX_ERROR ||
      trace_index == NGX_ERROR || uri_index == NGX_ERROR) {
    return NGX_ERROR;
  }
  of_uri->get_handler = uri_variable;
  of_agent->get_handler = header_variable;
  of_agent->data = kAgentMax;
  of_trace->get_handler = header_variable;
  of_trace->data = kTraceMax;
  return NGX_OK;
}

static ngx_http_module_t context = {add_variables, add_log_handler, NULL, NULL, NULL, NULL, NULL,
                                    NULL};

ngx_module_t ngx_http_log_text_module = {NGX_MODULE_V1, &context, NULL, NGX_HTTP_MODULE,
                                         NULL,          NULL,     NULL, NULL,
                                         NULL,          NULL,     NULL, NGX_MODULE_V1_PADDING};
