// A worker that quits (after a reload, or at the end) closes its idle client connections at once. A
// request that arrives just then gets no response, and clients do not repeat a POST by themselves.
// With this module the worker stays for a short time. Its responses then contain `Connection:
// close`, so that active clients open a new connection. After that time it closes only connections
// without a request. (Nginx has this since 1.27.4: keepalive_min_timeout.)

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

// Longer than an active client takes until its next request; short enough for `config/down`.
static const ngx_msec_t kDrainMs = 1000;
static const ngx_msec_t kTickMs = 50;

// One worker is one process with one thread.
static ngx_http_output_header_filter_pt next_header_filter;
static ngx_int_t (*process_events)(ngx_cycle_t*, ngx_msec_t, ngx_uint_t);
static ngx_flag_t draining;
static ngx_msec_t drain_until;
static ngx_event_t tick;
static ngx_connection_t tick_owner;  // Nginx' timers need one, for its log

static ngx_int_t close_after_response(ngx_http_request_t* request) {
  if (draining) {
    request->keepalive = 0;
  }
  return next_header_filter(request);
}

static ngx_flag_t has_idle_clients(void) {
  const ngx_connection_t* connections = ngx_cycle->connections;
  for (ngx_uint_t i = 0; i < ngx_cycle->connection_n; i++) {
    // Connections to the service are idle too, but have no listening socket.
    if (connections[i].fd != (ngx_socket_t)-1 && connections[i].idle &&
        connections[i].listening != NULL) {
      return 1;
    }
  }
  return 0;
}

static void on_tick(ngx_event_t* event) {
  if (has_idle_clients() && (ngx_msec_int_t)(drain_until - ngx_current_msec) > 0) {
    ngx_add_timer(event, kTickMs);
  } else {
    ngx_quit = 1;  // read at the end of this loop iteration: requests in flight are completed
  }
}

// Signal handlers set ngx_quit during process_events, and Nginx reads it after the loop iteration.
static ngx_int_t process_events_and_drain(ngx_cycle_t* cycle, ngx_msec_t timer, ngx_uint_t flags) {
  const ngx_int_t result = process_events(cycle, timer, flags);
  if (ngx_quit && !ngx_exiting) {
    ngx_quit = 0;
    if (!draining) {
      draining = 1;
      drain_until = ngx_current_msec + kDrainMs;
      // The new workers accept new connections.
      ngx_close_listening_sockets(cycle);
      ngx_add_timer(&tick, kTickMs);
    }
  }
  return result;
}

static ngx_int_t add_header_filter(ngx_conf_t* cf) {
  (void)cf;
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = close_after_response;
  return NGX_OK;
}

static ngx_int_t start_worker(ngx_cycle_t* cycle) {
  if (ngx_process != NGX_PROCESS_WORKER) {
    return NGX_OK;
  }
  tick_owner.fd = (ngx_socket_t)-1;
  tick_owner.log = cycle->log;
  tick.handler = on_tick;
  tick.data = &tick_owner;
  tick.log = cycle->log;
  process_events = ngx_event_actions.process_events;
  ngx_event_actions.process_events = process_events_and_drain;
  return NGX_OK;
}

static ngx_http_module_t context = {NULL, add_header_filter, NULL, NULL, NULL, NULL, NULL, NULL};

ngx_module_t ngx_http_graceful_quit_module = {
    NGX_MODULE_V1, &context, NULL, NGX_HTTP_MODULE,      NULL, NULL, start_worker, NULL,
    NULL,          NULL,     NULL, NGX_MODULE_V1_PADDING};
