#pragma once

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>
#include <ngx_http.h>

// The parts of the module: module.c is what Nginx sees (directives, phase handler, variable),
// slot.c talks to one Memcached, answer.c turns a stored value into an HTTP answer. A worker is one
// thread; nothing here is shared.

enum {
  // A request that finds this many others waiting in its slot goes to the service instead.
  kWaitersMax = 1024,
  // Memcached's own limit of a key.
  kKeyMax = 250,
  // Memcached's own limit of a value; what claims to be longer is no Memcached.
  kValueMax = 1024 * 1024,
};

typedef enum {
  kNotAsked,  // not a look-up: no key, another method, a precondition that only the service decides
  kWaiting,   // asked, no reply yet
  kHit,       // the stored answer was sent
  kMiss,      // no entry, or a lease placeholder
  kUnavailable,  // Memcached is gone, stalled or overrun
} look_up_state_t;

typedef struct slot_s slot_t;

// One request's look-up; lives in the request's pool.
typedef struct {
  ngx_http_request_t* request;
  ngx_str_t key;
  look_up_state_t state;
  slot_t* slot;
  ngx_uint_t place;  // in slot->waiters, while waiting
} look_up_t;

typedef struct {
  look_up_t* look_up;  // NULL: the request has gone meanwhile, its reply is still to come
  ngx_msec_t asked;    // when
} waiter_t;

// One Memcached server as one worker sees it: a single connection on which the look-ups of all
// requests of one turn of the event loop leave in one packet. Replies come in the order of the
// questions.
struct slot_s {
  ngx_addr_t* address;
  ngx_log_t* log;
  ngx_msec_t timeout;  // the oldest waiter waits that long
  ngx_msec_t rest;     // after a failure nobody asks for that long
  ngx_msec_t resting_until;
  ngx_connection_t* connection;  // NULL: none
  ngx_event_t flush;    // posted: sends `out` when every event of this turn has been handled
  ngx_event_t overdue;  // timer
  u_char* out;          // questions not sent yet: out_begin…out_end
  size_t out_begin, out_end;
  u_char* in;  // replies not handled yet: in_begin…in_end
  size_t in_begin, in_end, in_size;
  waiter_t waiters[kWaitersMax];  // a ring
  ngx_uint_t oldest, waiting;
};

// Prepares a slot in a worker. Returns: NGX_OK, or NGX_ERROR without memory.
ngx_int_t slot_start(slot_t* slot, ngx_log_t* log);
// Closes the connection; the worker ends.
void slot_stop(slot_t* slot);

// Asks for look_up->key. Returns: NGX_AGAIN (answer_arrived will be called, or the look-up
// forgotten by slot_forget), or NGX_DECLINED when it cannot be asked now.
ngx_int_t slot_ask(slot_t* slot, look_up_t* look_up);
// The request ends before its reply came.
void slot_forget(look_up_t* look_up);

// Called by a slot, once for each look-up that it accepted. `value` is NULL without an entry and
// valid during the call. With `reached` false there was no reply.
void answer_arrived(look_up_t* look_up, const u_char* value, size_t size, ngx_flag_t reached);

// Sends a stored value as the answer to the request.
// Returns: NGX_DECLINED, with nothing sent, when the value is not a complete `HTTP/1.1 200 OK`
// answer (a lease placeholder is not); otherwise what ngx_http_finalize_request wants.
ngx_int_t answer_send(ngx_http_request_t* request, const u_char* value, size_t size);
