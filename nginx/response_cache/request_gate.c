// Refuses requests before their body is read:
//
// * 400: HTTP/0.9, whose responses have no header; a body of a read (which means nothing) that is
//   longer than a client would send by mistake
// * 401: a write, or another request with a body, without a token or with one that the service
//   cannot have made (credential.h). Then only clients that have seen a token can make Nginx
//   store bodies.
//
// It also limits the time for a body as a whole. Nginx' client_body_timeout is the time between two
// reads, so that a client could send one byte in each.

#include "credential.h"

typedef struct {
  ngx_flag_t enabled;
  off_t open_body;  // bytes of a body without a token
  ngx_msec_t body_time;
} location_conf_t;

extern ngx_module_t ngx_http_request_gate_module;

static const ngx_uint_t kReads = NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_OPTIONS;
static const ngx_uint_t kWrites = NGX_HTTP_POST | NGX_HTTP_PUT | NGX_HTTP_PATCH | NGX_HTTP_DELETE;

static const off_t kReadBodyMax = 8192;

static ngx_int_t refuse(ngx_http_request_t* request, ngx_flag_t has_body, ngx_int_t status) {
  if (has_body) {
    request->keepalive = 0;  // the body is not read
  }
  request->expect_tested = 1;  // nor is `100 Continue` sent
  return status;
}

// ---- The time for a body

static ngx_flag_t is_read(const ngx_http_request_t* request) {
  return request->upstream == NULL || request->upstream->cleanup != NULL;
}

static void on_timeout(ngx_event_t* event) {
  ngx_http_request_t* request = event->data;
  ngx_connection_t* client = request->connection;
  if (is_read(request)) {
    return;
  }
  ngx_http_set_log_request(client->log, request);
  ngx_log_error(NGX_LOG_INFO, client->log, NGX_ETIMEDOUT, "the body took too long to arrive");
  client->timedout = 1;
  ngx_http_finalize_request(request, NGX_HTTP_REQUEST_TIME_OUT);
  ngx_http_run_posted_requests(client);
}

static void stop_timer(void* data) {
  ngx_event_t* timer = data;
  if (timer->timer_set) {
    ngx_del_timer(timer);
  }
}

static ngx_int_t start_timer(ngx_http_request_t* request, ngx_msec_t time) {
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(request->pool, sizeof(ngx_event_t));
  if (cleanup == NULL) {
    return NGX_ERROR;
  }
  ngx_event_t* timer = cleanup->data;
  ngx_memzero(timer, sizeof(*timer));
  timer->handler = on_timeout;
  timer->data = request;
  timer->log = request->connection->log;
  timer->cancelable = 1;
  cleanup->handler = stop_timer;
  ngx_add_timer(timer, time);
  return NGX_DECLINED;
}

static ngx_flag_t has_arrived(const ngx_http_request_t* request) {
  return !request->headers_in.chunked &&
         request->headers_in.content_length_n <=
             (off_t)(request->header_in->last - request->header_in->pos);
}

// ---- Phases

static ngx_int_t on_head(ngx_http_request_t* request) {
  if (request->http_version >= NGX_HTTP_VERSION_10) {
    return NGX_DECLINED;
  }
  request->http_version = NGX_HTTP_VERSION_10;  // else the response would have no header
  return NGX_HTTP_BAD_REQUEST;
}

static ngx_int_t on_request(ngx_http_request_t* request) {
  const location_conf_t* location =
      ngx_http_get_module_loc_conf(request, ngx_http_request_gate_module);
  const ngx_flag_t has_body =
      request->headers_in.content_length_n > 0 || request->headers_in.chunked;
  if (!location->enabled || request != request->main ||
      (!has_body && !(request->method & kWrites))) {
    return NGX_DECLINED;
  }
  const ngx_flag_t is_read_method = (request->method & kReads) != 0;
  if (is_read_method &&
      (request->headers_in.chunked || request->headers_in.content_length_n > kReadBodyMax)) {
    return refuse(request, has_body, NGX_HTTP_BAD_REQUEST);
  }
  const ngx_flag_t is_open = location->open_body > 0 && !request->headers_in.chunked &&
                             request->headers_in.content_length_n <= location->open_body;
  ngx_str_t sent;
  if (!is_read_method && !is_open &&
      !(credential_of(request, &sent) && credential_has_token_form(&sent))) {
    return refuse(request, has_body, NGX_HTTP_UNAUTHORIZED);
  }
  return has_body && !has_arrived(request) ? start_timer(request, location->body_time)
                                           : NGX_DECLINED;
}

// ---- Configuration

static void* create_location_conf(ngx_conf_t* cf) {
  location_conf_t* conf = ngx_pcalloc(cf->pool, sizeof(*conf));
  if (conf != NULL) {
    conf->enabled = NGX_CONF_UNSET;
    conf->open_body = NGX_CONF_UNSET;
    conf->body_time = NGX_CONF_UNSET_MSEC;
  }
  return conf;
}

static char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child) {
  (void)cf;
  location_conf_t* own = child;
  const location_conf_t* outer = parent;
  ngx_conf_merge_value(own->enabled, outer->enabled, 0);
  ngx_conf_merge_off_value(own->open_body, outer->open_body, 0);
  ngx_conf_merge_msec_value(own->body_time, outer->body_time, 60000);
  return NGX_CONF_OK;
}

static ngx_int_t add_handlers(ngx_conf_t* cf) {
  ngx_http_core_main_conf_t* core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
  ngx_http_handler_pt* first = ngx_array_push(&core->phases[NGX_HTTP_POST_READ_PHASE].handlers);
  ngx_http_handler_pt* second = ngx_array_push(&core->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
  if (first == NULL || second == NULL) {
    return NGX_ERROR;
  }
  *first = on_head;
  *second = on_request;
  return NGX_OK;
}

static ngx_command_t commands[] = {
    {ngx_string("request_gate"), NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_FLAG,
     ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET, offsetof(location_conf_t, enabled), NULL},
    // Where clients have no token yet: how long their bodies may be.
    {ngx_string("request_gate_open"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, ngx_conf_set_off_slot,
     NGX_HTTP_LOC_CONF_OFFSET, offsetof(location_conf_t, open_body), NULL},
    {ngx_string("request_body_time"), NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
     ngx_conf_set_msec_slot, NGX_HTTP_LOC_CONF_OFFSET, offsetof(location_conf_t, body_time), NULL},
    ngx_null_command};

static ngx_http_module_t context = {
    NULL, add_handlers, NULL, NULL, NULL, NULL, create_location_conf, merge_location_conf};

ngx_module_t ngx_http_request_gate_module = {
    NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE,      NULL, NULL, NULL, NULL,
    NULL,          NULL,     NULL,     NGX_MODULE_V1_PADDING};
