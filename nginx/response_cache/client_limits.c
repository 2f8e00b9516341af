// Limits of one client, by its address and by its token. A request that goes beyond one gets 429.
//
// They are checked where a request costs something: connections when they are accepted, the rate of
// all requests before anything is looked up, the other rates only when a request goes to the
// service. A response from the cache costs one more look into the table.

#include "client_limits.h"

#include "credential.h"

// What is known of a request that is limited; in its pool.
typedef struct {
  ngx_http_request_t* request;
  client_key_t address, token;
  ngx_flag_t has_token;  // or a session
  ngx_flag_t signs_in;   // has a token in its body
  ngx_flag_t writes;
  policy_t policy;  // the one to report
  verdict_t verdict;
  ngx_flag_t refused;
  ngx_flag_t is_stream;
  ngx_uint_t waits;       // for a place among the requests in progress
  ngx_int_t reservation;  // that place; NGX_DECLINED: none
  address_t* counted;     // in `count`; NULL: none
  count_t count;
} state_t;

static ngx_uint_t uploads;  // in progress in this worker

static limit_table_t* table_of(const limits_conf_t* conf) {
  return ((ngx_slab_pool_t*)conf->zone->shm.addr)->data;
}

static void lock(const limits_conf_t* conf) {
  ngx_shmtx_lock(&((ngx_slab_pool_t*)conf->zone->shm.addr)->mutex);
}

static void unlock(const limits_conf_t* conf) {
  ngx_shmtx_unlock(&((ngx_slab_pool_t*)conf->zone->shm.addr)->mutex);
}

static ngx_flag_t is_unlimited(limits_conf_t* conf, struct sockaddr* address) {
  return ngx_cidr_match(address, &conf->unlimited) == NGX_OK;
}

// ---- Connections

static void remove_connection(void* data) { address_remove(data, kConnections); }

static void refuse_connection(ngx_connection_t* client) {
  static time_t logged;
  if (logged != ngx_time()) {  // one line a second, because an attack would fill the log
    logged = ngx_time();
    ngx_log_error(NGX_LOG_WARN, client->log, 0, "%V has too many connections", &client->addr_text);
  }
  ngx_http_close_connection(client);
}

static void on_connection(ngx_connection_t* client) {
  limits_conf_t* conf =
      ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_http_client_limits_module);
  if (!is_unlimited(conf, client->sockaddr)) {
    address_t* address =
        address_add(key_of_address(client->sockaddr), kConnections, conf->maxima[kConnections]);
    if (address == NULL) {
      return refuse_connection(client);
    }
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(client->pool, 0);
    if (cleanup == NULL) {
      address_remove(address, kConnections);
      return ngx_http_close_connection(client);
    }
    cleanup->handler = remove_connection;
    cleanup->data = address;
  }
  ngx_http_init_connection(client);
}

// ---- Requests

static void on_request_end(void* data) {
  state_t* state = data;
  if (state->reservation != NGX_DECLINED) {
    limits_conf_t* conf =
        ngx_http_get_module_main_conf(state->request, ngx_http_client_limits_module);
    lock(conf);
    limit_table_release(table_of(conf), state->address, state->reservation);
    unlock(conf);
  }
  if (state->counted != NULL) {
    uploads -= state->count == kUploads;
    address_remove(state->counted, state->count);
  }
}

// Returns: the state of a request, also after a redirect to the page of an error, which clears the
// contexts of the modules; NULL without one.
static state_t* state_of(ngx_http_request_t* request) {
  state_t* state = ngx_http_get_module_ctx(request, ngx_http_client_limits_module);
  if (state != NULL || !(request->internal || request->filter_finalize)) {
    return state;
  }
  for (ngx_pool_cleanup_t* at = request->pool->cleanup; at != NULL; at = at->next) {
    if (at->handler == on_request_end) {
      return at->data;
    }
  }
  return NULL;
}

static state_t* add_state(ngx_http_request_t* request) {
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(request->pool, sizeof(state_t));
  if (cleanup == NULL) {
    return NULL;
  }
  state_t* state = cleanup->data;
  ngx_memzero(state, sizeof(*state));
  state->request = request;
  state->reservation = NGX_DECLINED;
  state->policy = kPolicies;
  state->address = key_of_address(request->connection->sockaddr);
  ngx_str_t sent;
  if (credential_of(request, &sent)) {
    state->has_token = 1;
    state->token = key_of_token(&sent);
  }
  cleanup->handler = on_request_end;
  ngx_http_set_ctx(request, state, ngx_http_client_limits_module);
  return state;
}

static ngx_int_t refuse(state_t* state, policy_t policy, verdict_t verdict) {
  state->refused = 1;
  state->policy = policy;
  state->verdict = verdict;
  if (state->request->headers_in.content_length_n > 0 || state->request->headers_in.chunked) {
    state->request->keepalive = 0;  // its body is not read
  }
  state->request->expect_tested = 1;  // nor is `100 Continue` sent
  return NGX_HTTP_TOO_MANY_REQUESTS;
}

// The rate of all requests.
static ngx_int_t on_request(ngx_http_request_t* request) {
  limits_conf_t* conf = ngx_http_get_module_main_conf(request, ngx_http_client_limits_module);
  limits_location_conf_t* location =
      ngx_http_get_module_loc_conf(request, ngx_http_client_limits_module);
  const rate_t* rate = &conf->rates[kRequests];
  if (location->kind == NULL || rate->interval == 0 || request != request->main ||
      is_unlimited(conf, request->connection->sockaddr)) {
    return NGX_DECLINED;
  }
  const client_key_t address = key_of_address(request->connection->sockaddr);
  lock(conf);
  const verdict_t verdict =
      limit_table_take(table_of(conf), address, kRequests, rate, ngx_current_msec, 0);
  unlock(conf);
  if (verdict.wait == 0) {
    return NGX_DECLINED;
  }
  state_t* state = add_state(request);
  return state == NULL ? NGX_ERROR : refuse(state, kRequests, verdict);
}

static ngx_flag_t is_small(ngx_http_request_t* request) {
  const ngx_http_core_loc_conf_t* core =
      ngx_http_get_module_loc_conf(request, ngx_http_core_module);
  return !request->headers_in.chunked &&
         request->headers_in.content_length_n <= (off_t)core->client_body_buffer_size;
}

static ngx_int_t add_count(state_t* state, limits_conf_t* conf, count_t count, ngx_flag_t limited) {
  state->counted =
      address_add(state->address, count, limited ? conf->maxima[count] : NGX_MAX_INT_T_VALUE);
  if (state->counted == NULL) {
    return refuse(state, kPolicies, (verdict_t){.wait = 1});
  }
  state->count = count;
  uploads += count == kUploads;
  return NGX_DECLINED;
}

// Takes the request from the bucket of the address and from that of the token. Called with the
// lock.
static ngx_int_t take(state_t* state, limits_conf_t* conf, policy_t policy) {
  limit_table_t* table = table_of(conf);
  const rate_t* failed = &conf->rates[kFailedTokens];
  const rate_t* rate = &conf->rates[policy];
  const ngx_msec_t now = ngx_current_msec;
  const ngx_flag_t is_known =
      state->has_token && !state->signs_in && limit_table_was_accepted(table, state->token, now);
  if ((state->has_token || state->signs_in) && failed->interval > 0 && !is_known) {
    const verdict_t tried = limit_table_take(table, state->address, kFailedTokens, failed, now, 1);
    if (tried.wait > 0) {
      return refuse(state, kFailedTokens, tried);
    }
  }
  if (rate->interval == 0) {
    return NGX_DECLINED;
  }
  verdict_t verdict = limit_table_take(table, state->address, policy, rate, now, 0);
  if (verdict.wait == 0 && state->has_token) {
    const verdict_t of_token = limit_table_take(table, state->token, policy, rate, now, 0);
    verdict = of_token.left < verdict.left || of_token.wait > 0 ? of_token : verdict;
  }
  if (verdict.wait > 0) {
    return refuse(state, policy, verdict);
  }
  state->policy = policy;
  state->verdict = verdict;
  return NGX_DECLINED;
}

// ---- A place among the requests in progress

// A page sends some requests at the same time, and a shop has some pages: they follow each other
// quickly, so that a short wait is better than a refusal.
static const ngx_msec_t kWaitMs = 10;
static const ngx_uint_t kWaitsMax = 200;

// As in Nginx' own limit_req, which delays requests.
static void on_waited(ngx_http_request_t* request) {
  ngx_event_t* event = request->connection->write;
  if (event->delayed) {
    if (ngx_handle_write_event(event, 0) != NGX_OK) {
      ngx_http_finalize_request(request, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
    return;
  }
  if (ngx_handle_read_event(request->connection->read, 0) != NGX_OK) {
    ngx_http_finalize_request(request, NGX_HTTP_INTERNAL_SERVER_ERROR);
    return;
  }
  request->read_event_handler = ngx_http_block_reading;
  request->write_event_handler = ngx_http_core_run_phases;
  ngx_http_core_run_phases(request);
}

static ngx_int_t wait_for_place(state_t* state) {
  ngx_http_request_t* request = state->request;
  if (state->waits++ == kWaitsMax) {
    state->verdict.wait = 1;
    return refuse(state, state->policy, state->verdict);
  }
  if (ngx_handle_read_event(request->connection->read, 0) != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  request->read_event_handler = ngx_http_test_reading;  // a client that leaves ends the request
  request->write_event_handler = on_waited;
  request->connection->write->delayed = 1;
  ngx_add_timer(request->connection->write, kWaitMs);
  return NGX_AGAIN;
}

// Returns: whether the request has a place, or needs none.
static ngx_flag_t take_place(state_t* state, limits_conf_t* conf) {
  if (state->policy == kPolicies || conf->rates[state->policy].in_progress == 0 ||
      state->is_stream) {
    return 1;
  }
  lock(conf);
  state->reservation = limit_table_reserve(table_of(conf), state->address,
                                           &conf->rates[state->policy], ngx_current_msec);
  unlock(conf);
  return state->reservation != NGX_DECLINED;
}

// ---- Requests that go to the service

static ngx_flag_t is_kind(const ngx_str_t* kind, const char* name) {
  return kind->len == ngx_strlen(name) && ngx_strncmp(kind->data, name, kind->len) == 0;
}

// The rates. Returns: NGX_DECLINED when the request may pass them.
static ngx_int_t take_rates(state_t* state, limits_conf_t* conf, const ngx_str_t* kind) {
  state->is_stream = is_kind(kind, "streams");
  state->signs_in = is_kind(kind, "sign_in");
  policy_t policy = state->signs_in ? kWrites : kReads;  // opening a stream is a read
  for (ngx_uint_t i = 0; i < kPolicies; i++) {
    if (is_kind(kind, (const char*)kPolicyNames[i].data)) {
      policy = i;
    }
  }
  state->writes = policy == kWrites || policy == kBulk;
  lock(conf);
  const ngx_int_t result = take(state, conf, policy);
  unlock(conf);
  return result;
}

static ngx_int_t on_pass(ngx_http_request_t* request) {
  limits_conf_t* conf = ngx_http_get_module_main_conf(request, ngx_http_client_limits_module);
  limits_location_conf_t* location =
      ngx_http_get_module_loc_conf(request, ngx_http_client_limits_module);
  if (location->kind == NULL || request != request->main) {
    return NGX_DECLINED;
  }
  const ngx_flag_t limited = !is_unlimited(conf, request->connection->sockaddr);
  const ngx_flag_t small = is_small(request);
  state_t* state = ngx_http_get_module_ctx(request, ngx_http_client_limits_module);
  if (state == NULL) {
    if (!limited && small) {
      return NGX_DECLINED;
    }
    ngx_str_t kind;
    state = add_state(request);
    if (state == NULL || ngx_http_complex_value(request, location->kind, &kind) != NGX_OK) {
      return NGX_ERROR;
    }
    if (!small && uploads >= conf->all_uploads) {
      request->keepalive = 0;
      request->expect_tested = 1;
      return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    const ngx_int_t result = limited ? take_rates(state, conf, &kind) : NGX_DECLINED;
    if (result != NGX_DECLINED) {
      return result;
    }
  }
  if (!take_place(state, conf)) {
    return wait_for_place(state);
  }
  if (state->is_stream) {
    return add_count(state, conf, kStreams, 1);
  }
  return small ? NGX_DECLINED : add_count(state, conf, kUploads, limited);
}

// ---- Responses

static ngx_int_t add_field(ngx_http_request_t* request, ngx_str_t name, const char* format,
                           const ngx_str_t* policy, uint64_t first, uint64_t second) {
  enum { kFieldMax = 96 };
  ngx_table_elt_t* field = ngx_list_push(&request->headers_out.headers);
  u_char* text = ngx_pnalloc(request->pool, kFieldMax);
  if (field == NULL || text == NULL) {
    return NGX_ERROR;
  }
  u_char* end = ngx_snprintf(text, kFieldMax, format, policy, first, second);
  *field = (ngx_table_elt_t){
      .hash = 1, .key = name, .value = {.len = (size_t)(end - text), .data = text}};
  return NGX_OK;
}

static ngx_http_output_header_filter_pt next_header_filter;

// draft-ietf-httpapi-ratelimit-headers-10: `q` requests may follow at once, and are available again
// after `w` seconds without one; `r` are left, and all are available again after `t` seconds.
static ngx_int_t add_fields(ngx_http_request_t* request, const limits_conf_t* conf,
                            const state_t* state) {
  if (state->policy != kPolicies) {
    const rate_t* rate = &conf->rates[state->policy];
    const ngx_str_t* name = &kPolicyNames[state->policy];
    const uint64_t window = (rate->burst * rate->interval + 999999) / 1000000;
    if (add_field(request, (ngx_str_t)ngx_string("RateLimit-Policy"), "\"%V\";q=%uL;w=%uL", name,
                  rate->burst, window) != NGX_OK ||
        add_field(request, (ngx_str_t)ngx_string("RateLimit"), "\"%V\";r=%uL;t=%uL", name,
                  state->verdict.left, state->verdict.reset) != NGX_OK) {
      return NGX_ERROR;
    }
  }
  if (!state->refused) {
    return NGX_OK;
  }
  return add_field(request, (ngx_str_t)ngx_string("Retry-After"), "%V%uL",
                   &(ngx_str_t)ngx_null_string, state->verdict.wait, 0);
}

// A write with this token was carried out, or the token is not valid.
static void count_token(const limits_conf_t* conf, const state_t* state, ngx_uint_t status) {
  const rate_t* failed = &conf->rates[kFailedTokens];
  if (!(state->has_token || state->signs_in) || state->refused || failed->interval == 0) {
    return;
  }
  lock(conf);
  if (status == NGX_HTTP_UNAUTHORIZED) {
    limit_table_take(table_of(conf), state->address, kFailedTokens, failed, ngx_current_msec, 0);
  } else if (state->writes && state->has_token && status >= NGX_HTTP_OK &&
             status < NGX_HTTP_SPECIAL_RESPONSE) {
    limit_table_set_accepted(table_of(conf), state->token, ngx_current_msec);
  }
  unlock(conf);
}

static ngx_int_t on_header(ngx_http_request_t* request) {
  const state_t* state = request == request->main ? state_of(request) : NULL;
  if (state != NULL && state->policy <= kPolicies) {
    const limits_conf_t* conf =
        ngx_http_get_module_main_conf(request, ngx_http_client_limits_module);
    if (!is_unlimited((limits_conf_t*)conf, request->connection->sockaddr)) {
      count_token(conf, state, request->headers_out.status);
      if (add_fields(request, conf, state) != NGX_OK) {
        return NGX_ERROR;
      }
    }
  }
  return next_header_filter(request);
}

// $client_limit: which limit refused the request; empty when none did.
static ngx_int_t limit_variable(ngx_http_request_t* request, ngx_http_variable_value_t* value,
                                uintptr_t data) {
  static const ngx_str_t count = ngx_string("in_progress");
  (void)data;
  const state_t* state = state_of(request);
  value->not_found = state == NULL || !state->refused;
  if (!value->not_found) {
    const ngx_str_t* name = state->policy == kPolicies ? &count : &kPolicyNames[state->policy];
    value->valid = 1;
    value->no_cacheable = 1;
    value->len = name->len & 0xfffffff;
    value->data = name->data;
  }
  return NGX_OK;
}

// ---- Start

ngx_int_t client_limits_add_variable(ngx_conf_t* cf) {
  static ngx_str_t name = ngx_string("client_limit");
  ngx_http_variable_t* variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
  if (variable == NULL) {
    return NGX_ERROR;
  }
  variable->get_handler = limit_variable;
  return NGX_OK;
}

ngx_int_t client_limits_add_handlers(ngx_conf_t* cf) {
  ngx_http_core_main_conf_t* core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
  ngx_http_handler_pt* before = ngx_array_push(&core->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
  // After the look-up: handlers of a phase run in the reverse order of the modules.
  ngx_http_handler_pt* after = ngx_array_push(&core->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
  if (before == NULL || after == NULL) {
    return NGX_ERROR;
  }
  *before = on_request;
  *after = on_pass;
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = on_header;
  return NGX_OK;
}

ngx_int_t client_limits_start_worker(ngx_cycle_t* cycle) {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == NULL) {
    return NGX_OK;
  }
  ngx_listening_t* listening = cycle->listening.elts;
  for (ngx_uint_t i = 0; i < cycle->listening.nelts; i++) {
    if (listening[i].handler == ngx_http_init_connection) {
      listening[i].handler = on_connection;
    }
  }
  return address_counts_start(2 * cycle->connection_n, cycle->log);
}
