// $request_name: the one name that a request has in everybody's log and in its answer. A
// well-formed X-Request-Id of the client's is kept; otherwise it is new, 64 bits of the worker's
// and 64 of the request's own. ($request_id draws 16 bytes from OpenSSL for each request, a tenth
// of Nginx' work. A name has to be unique, not secret.)

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <sys/random.h>

enum { kNameMax = 128, kNewName = 32 };

static ngx_int_t client_name;  // index of $http_x_request_id
static uint64_t worker;        // random
static uint64_t requests;      // begins at random

static ngx_flag_t is_name(const ngx_http_variable_value_t* value) {
  if (value == NULL || value->not_found || value->len == 0 || value->len > kNameMax) {
    return 0;
  }
  for (size_t i = 0; i < value->len; i++) {
    const u_char c = value->data[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
          c == '_' || c == '-')) {
      return 0;
    }
  }
  return 1;
}

// One-to-one, and shows nobody how many requests came before (SplitMix64's last step: Steele, Lea,
// Flood, "Fast splittable pseudorandom number generators", 2014).
static uint64_t mixed(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31);
}

static ngx_int_t name_variable(ngx_http_request_t* request, ngx_http_variable_value_t* value,
                               uintptr_t data) {
  (void)data;
  const ngx_http_variable_value_t* sent =
      ngx_http_get_indexed_variable(request, (ngx_uint_t)client_name);
  if (is_name(sent)) {
    *value = *sent;
    return NGX_OK;
  }
  u_char* text = ngx_pnalloc(request->pool, kNewName);
  if (text == NULL) {
    return NGX_ERROR;
  }
  ngx_sprintf(text, "%016xL%016xL", worker, mixed(requests++));
  value->len = kNewName;
  value->data = text;
  value->valid = 1;
  value->no_cacheable = 0;
  value->not_found = 0;
  return NGX_OK;
}

static ngx_int_t add_variable(ngx_conf_t* cf) {
  static ngx_str_t name = ngx_string("request_name");
  static ngx_str_t header = ngx_string("http_x_request_id");
  ngx_http_variable_t* variable = ngx_http_add_variable(cf, &name, 0);
  client_name = ngx_http_get_variable_index(cf, &header);
  if (variable == NULL || client_name == NGX_ERROR) {
    return NGX_ERROR;
  }
  variable->get_handler = name_variable;
  return NGX_OK;
}

static ngx_int_t start_worker(ngx_cycle_t* cycle) {
  (void)cycle;
  const ssize_t first = getrandom(&worker, sizeof(worker), 0);
  const ssize_t second = getrandom(&requests, sizeof(requests), 0);
  return first == sizeof(worker) && second == sizeof(requests) ? NGX_OK : NGX_ERROR;
}

static ngx_http_module_t context = {add_variable, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

ngx_module_t ngx_http_request_name_module = {
    NGX_MODULE_V1, &context, NULL, NGX_HTTP_MODULE,      NULL, NULL, start_worker, NULL,
    NULL,          NULL,     NULL, NGX_MODULE_V1_PADDING};
