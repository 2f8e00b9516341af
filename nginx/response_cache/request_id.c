// $codasync_request_id: the request id in all logs and in the response. A well-formed X-Request-Id
// of the client is kept. Otherwise the id is new: 64 random bits of the worker and 64 bits of the
// request. (Nginx' own $request_id draws 16 bytes from OpenSSL for each request, a tenth of Nginx'
// work. An id has to be unique, not secret.)

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <sys/random.h>

enum { kIdMax = 128, kNewIdSize = 32 };

static ngx_int_t client_id;  // index of $http_x_request_id
static uint64_t worker;      // random
static uint64_t requests;    // starts at a random number

static ngx_flag_t is_valid_id(const ngx_http_variable_value_t* value) {
  if (value == NULL || value->not_found || value->len == 0 || value->len > kIdMax) {
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

// One-to-one, and hides the number of earlier requests (SplitMix64's last step: Steele, Lea, Flood,
// "Fast splittable pseudorandom number generators", 2014).
static uint64_t mixed(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31);
}

static ngx_int_t id_variable(ngx_http_request_t* request, ngx_http_variable_value_t* value,
                             uintptr_t data) {
  (void)data;
  const ngx_http_variable_value_t* sent =
      ngx_http_get_indexed_variable(request, (ngx_uint_t)client_id);
  if (is_valid_id(sent)) {
    *value = *sent;
    return NGX_OK;
  }
  u_char* text = ngx_pnalloc(request->pool, kNewIdSize);
  if (text == NULL) {
    return NGX_ERROR;
  }
  ngx_sprintf(text, "%016xL%016xL", worker, mixed(requests++));
  value->len = kNewIdSize;
  value->data = text;
  value->valid = 1;
  value->no_cacheable = 0;
  value->not_found = 0;
  return NGX_OK;
}

static ngx_int_t add_variable(ngx_conf_t* cf) {
  static ngx_str_t name = ngx_string("codasync_request_id");
  static ngx_str_t header = ngx_string("http_x_request_id");
  ngx_http_variable_t* variable = ngx_http_add_variable(cf, &name, 0);
  client_id = ngx_http_get_variable_index(cf, &header);
  if (variable == NULL || client_id == NGX_ERROR) {
    return NGX_ERROR;
  }
  variable->get_handler = id_variable;
  return NGX_OK;
}

static ngx_int_t start_worker(ngx_cycle_t* cycle) {
  (void)cycle;
  const ssize_t first = getrandom(&worker, sizeof(worker), 0);
  const ssize_t second = getrandom(&requests, sizeof(requests), 0);
  return first == sizeof(worker) && second == sizeof(requests) ? NGX_OK : NGX_ERROR;
}

static ngx_http_module_t context = {add_variable, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

ngx_module_t ngx_http_request_id_module = {
    NGX_MODULE_V1, &context, NULL, NGX_HTTP_MODULE,      NULL, NULL, start_worker, NULL,
    NULL,          NULL,     NULL, NGX_MODULE_V1_PADDING};
