#include "response_cache.h"

typedef struct {
  ngx_array_t slots;  // of slot_t, in the order of the configuration
  seal_t seal;
  ngx_msec_t timeout;
  ngx_msec_t failure_pause;
} main_conf_t;

typedef struct {
  ngx_http_complex_value_t* key;         // of a single response; NULL: no look-up here
  ngx_http_complex_value_t* generation;  // of a list, where the key is empty
} location_conf_t;

extern ngx_module_t ngx_http_response_cache_module;

// The same slot as cache/key.hpp and Nginx' own `hash`: ((crc32(key) >> 16) & 0x7fff) mod slots.
static slot_t* slot_of(main_conf_t* conf, ngx_str_t* key) {
  slot_t* slots = conf->slots.elts;
  return &slots[((ngx_crc32_long(key->data, key->len) >> 16) & 0x7fff) % conf->slots.nelts];
}

// A key is copied into a Memcached command without escapes, so it must not contain a byte that ends
// the command.
static ngx_flag_t is_key(const ngx_str_t* key) {
  if (key->len == 0 || key->len > kKeyMax) {
    return 0;
  }
  for (size_t i = 0; i < key->len; i++) {
    if (key->data[i] <= ' ' || key->data[i] >= 0x7f) {
      return 0;
    }
  }
  return 1;
}

// The service evaluates If-Match and If-Unmodified-Since, because it reads the current state and
// not only a stored response.
static ngx_flag_t may_look_up(const ngx_http_request_t* request) {
  return request == request->main && (request->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) &&
         request->headers_in.if_match == NULL && request->headers_in.if_unmodified_since == NULL;
}

static void on_request_end(void* data) {
  look_up_t* look_up = data;
  if (look_up->state == kWaiting) {
    slot_cancel(look_up);
  }
}

// Returns: NGX_OK, NGX_DECLINED when nothing is looked up for this address, or NGX_ERROR.
static ngx_int_t set_keys(look_up_t* look_up, location_conf_t* location) {
  ngx_str_t key;
  if (ngx_http_complex_value(look_up->request, location->key, &key) != NGX_OK) {
    return NGX_ERROR;
  }
  if (is_key(&key)) {
    look_up->keys[0] = key;
    look_up->key_count = 1;
    return NGX_OK;
  }
  if (location->generation == NULL) {
    return NGX_DECLINED;
  }
  if (ngx_http_complex_value(look_up->request, location->generation, &key) != NGX_OK) {
    return NGX_ERROR;
  }
  return is_key(&key) ? list_keys(look_up, &key) : NGX_DECLINED;
}

static ngx_int_t handle(ngx_http_request_t* request) {
  location_conf_t* location = ngx_http_get_module_loc_conf(request, ngx_http_response_cache_module);
  main_conf_t* conf = ngx_http_get_module_main_conf(request, ngx_http_response_cache_module);
  if (location->key == NULL || conf->slots.nelts == 0 || !may_look_up(request)) {
    return NGX_DECLINED;
  }
  look_up_t* look_up = ngx_http_get_module_ctx(request, ngx_http_response_cache_module);
  if (look_up != NULL) {
    return look_up->state == kWaiting ? NGX_AGAIN : NGX_DECLINED;
  }

  look_up = ngx_pcalloc(request->pool, sizeof(*look_up));
  if (look_up == NULL) {
    return NGX_ERROR;
  }
  look_up->request = request;
  ngx_int_t result = set_keys(look_up, location);
  if (result != NGX_OK) {
    return result;
  }
  ngx_http_cleanup_t* cleanup = ngx_http_cleanup_add(request, 0);
  if (cleanup == NULL) {
    return NGX_ERROR;
  }
  cleanup->handler = on_request_end;
  cleanup->data = look_up;
  ngx_http_set_ctx(request, look_up, ngx_http_response_cache_module);

  result = slot_look_up(slot_of(conf, &look_up->keys[0]), look_up);
  look_up->state = result == NGX_AGAIN ? kWaiting : kUnavailable;
  return result;
}

// The entry of the key whose reply was read last is not one of the service.
static void delete_malformed(look_up_t* look_up) {
  look_up->malformed = 1;
  slot_delete(look_up->slot, &look_up->keys[look_up->replied - 1]);
}

// Returns: the content of the entry of the key whose reply was read last, with its size in `size`;
// NULL without one.
static const u_char* content_of(look_up_t* look_up, const entry_t* entry, size_t* size) {
  if (entry->bytes == NULL) {
    return NULL;
  }
  main_conf_t* conf =
      ngx_http_get_module_main_conf(look_up->request, ngx_http_response_cache_module);
  *size = entry->size;
  const u_char* content = seal_content(&conf->seal, &look_up->keys[look_up->replied - 1],
                                       entry->flags, entry->bytes, size);
  if (content == NULL) {
    delete_malformed(look_up);
  }
  return content;
}

ngx_flag_t look_up_continues(look_up_t* look_up, const entry_t* entry) {
  size_t size;
  const u_char* token = content_of(look_up, entry, &size);
  if (token != NULL && list_take_token(look_up, token, size)) {
    return 1;
  }
  if (token != NULL) {
    delete_malformed(look_up);
  }
  return 0;
}

// Returns: as response_send().
static ngx_int_t send_entry(look_up_t* look_up, const entry_t* entry) {
  size_t size;
  const u_char* content = content_of(look_up, entry, &size);
  if (content != NULL && look_up->address.len > 0) {
    content = list_response(look_up, content, &size);
  }
  if (content == NULL) {
    return NGX_DECLINED;
  }
  const ngx_int_t sent = response_send(look_up->request, content, size);
  if (sent == NGX_DECLINED) {
    delete_malformed(look_up);
  }
  return sent;
}

void look_up_finished(look_up_t* look_up, const entry_t* entry) {
  ngx_http_request_t* request = look_up->request;
  ngx_connection_t* client = request->connection;
  ngx_http_set_log_request(client->log, request);

  const ngx_int_t sent = entry == NULL ? NGX_DECLINED : send_entry(look_up, entry);
  if (sent == NGX_DECLINED) {
    look_up->state = entry == NULL ? kUnavailable : look_up->malformed ? kMalformed : kMiss;
    ngx_http_core_run_phases(request);  // calls handle() again, which declines now
  } else {
    look_up->state = kHit;
    ngx_http_finalize_request(request, sent);
  }
  ngx_http_run_posted_requests(client);
}

// $response_cache: hit, miss, malformed, unavailable, or empty without a look-up.
static ngx_int_t state_variable(ngx_http_request_t* request, ngx_http_variable_value_t* value,
                                uintptr_t data) {
  static ngx_str_t names[] = {ngx_null_string,         ngx_null_string,
                              ngx_string("hit"),       ngx_string("miss"),
                              ngx_string("malformed"), ngx_string("unavailable")};
  (void)data;
  const look_up_t* look_up = ngx_http_get_module_ctx(request, ngx_http_response_cache_module);
  const ngx_str_t* name = &names[look_up == NULL ? kNone : look_up->state];
  value->valid = 1;
  value->no_cacheable = 1;
  value->not_found = name->len == 0;
  value->len = name->len;
  value->data = name->data;
  return NGX_OK;
}

static char* add_server(ngx_conf_t* cf, ngx_command_t* command, void* conf) {
  (void)command;
  ngx_str_t* words = cf->args->elts;
  ngx_url_t url;
  ngx_memzero(&url, sizeof(url));
  url.url = words[1];
  url.default_port = 11211;
  if (ngx_parse_url(cf->pool, &url) != NGX_OK || url.naddrs == 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in response_cache_server \"%V\"",
                       url.err == NULL ? "no address" : url.err, &words[1]);
    return NGX_CONF_ERROR;
  }
  slot_t* slot = ngx_array_push(&((main_conf_t*)conf)->slots);
  if (slot == NULL) {
    return NGX_CONF_ERROR;
  }
  ngx_memzero(slot, sizeof(*slot));
  slot->address = &url.addrs[0];
  return NGX_CONF_OK;
}

static char* set_key_file(ngx_conf_t* cf, ngx_command_t* command, void* conf) {
  (void)command;
  ngx_str_t path = ((ngx_str_t*)cf->args->elts)[1];
  if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
    return NGX_CONF_ERROR;
  }
  const char* problem = seal_load(&((main_conf_t*)conf)->seal, (const char*)path.data);
  if (problem != NULL) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "response_cache_key_file \"%V\" %s", &path, problem);
    return NGX_CONF_ERROR;
  }
  return NGX_CONF_OK;
}

static void* create_main_conf(ngx_conf_t* cf) {
  main_conf_t* conf = ngx_pcalloc(cf->pool, sizeof(*conf));
  if (conf == NULL || ngx_array_init(&conf->slots, cf->pool, 4, sizeof(slot_t)) != NGX_OK) {
    return NULL;
  }
  seal_init(&conf->seal);
  conf->timeout = NGX_CONF_UNSET_MSEC;
  conf->failure_pause = NGX_CONF_UNSET_MSEC;
  return conf;
}

static char* init_main_conf(ngx_conf_t* cf, void* data) {
  (void)cf;
  main_conf_t* conf = data;
  ngx_conf_init_msec_value(conf->timeout, 100);
  ngx_conf_init_msec_value(conf->failure_pause, 500);
  return NGX_CONF_OK;
}

static void* create_location_conf(ngx_conf_t* cf) {
  return ngx_pcalloc(cf->pool, sizeof(location_conf_t));
}

static char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child) {
  (void)cf;
  location_conf_t* own = child;
  const location_conf_t* outer = parent;
  if (own->key == NULL) {
    own->key = outer->key;
  }
  if (own->generation == NULL) {
    own->generation = outer->generation;
  }
  return NGX_CONF_OK;
}

static ngx_int_t add_variable(ngx_conf_t* cf) {
  static ngx_str_t name = ngx_string("response_cache");
  ngx_http_variable_t* variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
  if (variable == NULL) {
    return NGX_ERROR;
  }
  variable->get_handler = state_variable;
  return NGX_OK;
}

// Runs after rewrite, limits and access rules, and before the request goes to the service.
static ngx_int_t add_handler(ngx_conf_t* cf) {
  ngx_http_core_main_conf_t* core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
  ngx_http_handler_pt* handler = ngx_array_push(&core->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
  if (handler == NULL) {
    return NGX_ERROR;
  }
  *handler = handle;
  return NGX_OK;
}

static main_conf_t* running_conf(ngx_cycle_t* cycle) {
  return ngx_get_conf(cycle->conf_ctx, ngx_http_module) == NULL
             ? NULL
             : ngx_http_cycle_get_module_main_conf(cycle, ngx_http_response_cache_module);
}

static ngx_int_t start_worker(ngx_cycle_t* cycle) {
  main_conf_t* conf = running_conf(cycle);
  for (ngx_uint_t i = 0; conf != NULL && i < conf->slots.nelts; i++) {
    slot_t* slot = &((slot_t*)conf->slots.elts)[i];
    slot->timeout = conf->timeout;
    slot->failure_pause = conf->failure_pause;
    slot->number = i;
    slot->count = conf->slots.nelts;
    slot->seal = &conf->seal;
    if (slot_start(slot, cycle->log) != NGX_OK) {
      return NGX_ERROR;
    }
  }
  return NGX_OK;
}

static void stop_worker(ngx_cycle_t* cycle) {
  main_conf_t* conf = running_conf(cycle);
  for (ngx_uint_t i = 0; conf != NULL && i < conf->slots.nelts; i++) {
    slot_stop(&((slot_t*)conf->slots.elts)[i]);
  }
}

static ngx_command_t commands[] = {
    // The slots, one server each, in order: unix:/path or address:port.
    {ngx_string("response_cache_server"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, add_server,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    // The keys of the installation: the same file as the service's memcached.key_file.
    {ngx_string("response_cache_key_file"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_key_file,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("response_cache_timeout"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
     ngx_conf_set_msec_slot, NGX_HTTP_MAIN_CONF_OFFSET, offsetof(main_conf_t, timeout), NULL},
    {ngx_string("response_cache_failure_pause"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
     ngx_conf_set_msec_slot, NGX_HTTP_MAIN_CONF_OFFSET, offsetof(main_conf_t, failure_pause), NULL},
    // The key to look up; with an empty key there is no look-up.
    {ngx_string("response_cache_key"), NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
     ngx_http_set_complex_value_slot, NGX_HTTP_LOC_CONF_OFFSET, offsetof(location_conf_t, key),
     NULL},
    // The key of the generation of a list, where the key above is empty.
    {ngx_string("response_cache_generation"),
     NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, ngx_http_set_complex_value_slot,
     NGX_HTTP_LOC_CONF_OFFSET, offsetof(location_conf_t, generation), NULL},
    ngx_null_command};

static ngx_http_module_t context = {
    add_variable, add_handler, create_main_conf,     init_main_conf,
    NULL,         NULL,        create_location_conf, merge_location_conf};

ngx_module_t ngx_http_response_cache_module = {
    NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE, NULL, NULL,
    start_worker,  NULL,     NULL,     stop_worker,     NULL, NGX_MODULE_V1_PADDING};
