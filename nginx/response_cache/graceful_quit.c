// A worker that quits (after a reload, or at the end) closes its idle client connections at once. A
// request that arrives just then gets no response, and clients do not repeat a POST by themselves.
// With this module the worker stays for a short time. Its responses then contain `Connection:
// close`, so that active clients open a new connection. After that time it closes only connections
// without a request. (Nginx has this since 1.27.4: keepalive_min_timeout.)
//
// A stream of events has no end of its own, and would keep the worker for ever. Its response is
// ended at once, complete, so that the client connects again, to a new worker.

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

// The requests of this worker whose responses are streams of events.
typedef struct {
  ngx_queue_t queue;
  ngx_http_request_t* request;
} stream_t;
static ngx_queue_t streams;

static ngx_flag_t is_stream(const ngx_http_request_t* request) {
  static const ngx_str_t kType = ngx_string("text/event-stream");
  const ngx_str_t* type = &request->headers_out.content_type;
  return request == request->main && request->upstream != NULL && !request->upstream->buffering &&
         type->len >= kType.len && ngx_strncmp(type->data, kType.data, kType.len) == 0;
}

static void remove_stream(void* data) { ngx_queue_remove(&((stream_t*)data)->queue); }

static ngx_int_t add_stream(ngx_http_request_t* request) {
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(request->pool, sizeof(stream_t));
  if (cleanup == NULL) {
    return NGX_ERROR;
  }
  stream_t* stream = cleanup->data;
  stream->request = request;
  cleanup->handler = remove_stream;
  ngx_queue_insert_tail(&streams, &stream->queue);
  return NGX_OK;
}

static void end_streams(void) {
  for (ngx_queue_t* at = ngx_queue_head(&streams); at != ngx_queue_sentinel(&streams);
       at = ngx_queue_next(at)) {
    const stream_t* stream = ngx_queue_data(at, stream_t, queue);
    ngx_http_request_t* request = stream->request;
    // What is not sent yet is sent, then Nginx finds that nothing is left to read from the service.
    request->upstream->length = 0;
    request->keepalive = 0;
    ngx_post_event(request->connection->write, &ngx_posted_events);
  }
}

static ngx_int_t on_header(ngx_http_request_t* request) {
  if (draining) {
    request->keepalive = 0;
  }
  if (is_stream(request) && add_stream(request) != NGX_OK) {
    return NGX_ERROR;
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
  end_streams();
  if (!has_idle_clients() || (ngx_msec_int_t)(drain_until - ngx_current_msec) <= 0) {
    ngx_quit = 1;  // read at the end of this loop iteration: requests in flight are completed
    event->cancelable = 1;  // one of them may still become a stream
  }
  ngx_add_timer(event, kTickMs);
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
  ngx_queue_init(&streams);
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = on_header;
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
