#pragma once

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>
#include <ngx_http.h>

// The parts of the module: module.c connects it to Nginx (directives, phase handler, variable),
// slot.c is the connection to one Memcached, seal.c checks entries, list.c has the rules of lists,
// response.c sends the content of an entry as an HTTP response. A worker has one thread, and
// workers share nothing here.

enum {
  // With this many look-ups waiting in a slot, a further request goes to the service instead.
  kWaitersMax = 1024,
  // Memcached's own limit of a key.
  kKeyMax = 250,
  // Of a generation (cache/generation_token.hpp).
  kTokenSize = 32,
  // Memcached's own limit of a value. A reply with a larger size is not from Memcached.
  kValueMax = 1024 * 1024,
  // The most keys of a look-up.
  kKeysMax = 2,
  // Of a seal, and of a key of the installation (cache/entry_seal.hpp).
  kSealSize = 16,
  kSealKeysMax = 4,
};

typedef enum {
  kNone,       // no look-up: no key, another method, a precondition that only the service evaluates
  kWaiting,    // sent, no reply yet
  kHit,        // the stored response was sent
  kMiss,       // no entry, or a lease placeholder
  kMalformed,  // a value that the service did not store; it is deleted
  kUnavailable,  // Memcached refused the connection, did not reply in time, or is overloaded
} look_up_state_t;

typedef struct slot_s slot_t;

// The look-up of one request; allocated in the request's pool. One key: of the response. Two: of a
// generation, and of the place of the list at `address`.
typedef struct {
  ngx_http_request_t* request;
  ngx_str_t keys[kKeysMax];
  ngx_uint_t key_count;
  ngx_str_t address;
  u_char token[kTokenSize];  // of the generation, once its reply was read
  look_up_state_t state;
  slot_t* slot;
  ngx_uint_t place;      // in slot->waiters, of the first key
  ngx_uint_t replied;    // keys whose reply was read
  ngx_flag_t malformed;  // one of the entries was
} look_up_t;

// An entry as Memcached has it; valid during the call that has it as an argument.
typedef struct {
  const u_char* bytes;  // NULL: no entry, or not a valid one any more
  size_t size;
  uint32_t flags;
} entry_t;

typedef struct {
  look_up_t* look_up;  // NULL: the request has ended, and its reply is still to be read
  ngx_msec_t sent;     // when
} waiter_t;

// The keys of the installation.
typedef struct {
  u_char keys[kSealKeysMax][kSealSize];
  ngx_uint_t count;
} seal_t;

// One Memcached server in one worker: a single connection. The look-ups of all requests of one
// loop iteration leave in one packet. Replies come in the order of the commands.
struct slot_s {
  ngx_addr_t* address;
  ngx_uint_t number, count;  // its position, and how many slots there are
  const seal_t* seal;
  look_up_t identity;  // the first look-up of each connection
  ngx_flag_t is_of_another_slot;
  ngx_log_t* log;
  ngx_msec_t timeout;        // of the oldest waiter
  ngx_msec_t failure_pause;  // after a failure nothing is sent for this time
  ngx_msec_t paused_until;
  ngx_connection_t* connection;  // NULL: none
  ngx_event_t flush;    // posted: sends `out` after all other events of this loop iteration
  ngx_event_t overdue;  // timer
  u_char* out;          // commands not sent yet: out_begin…out_end
  size_t out_begin, out_end;
  u_char* in;  // replies not processed yet: in_begin…in_end
  size_t in_begin, in_end, in_size;
  waiter_t waiters[kWaitersMax];  // a ring
  ngx_uint_t oldest, waiting;
};

// Prepares a slot in a worker. Returns: NGX_OK, or NGX_ERROR without memory.
ngx_int_t slot_start(slot_t* slot, ngx_log_t* log);
// Closes the connection; the worker ends.
void slot_stop(slot_t* slot);

// Looks all keys up. Returns: NGX_AGAIN (then look_up_finished is called, unless slot_cancel is
// called first), or NGX_DECLINED when no look-up is possible now.
ngx_int_t slot_look_up(slot_t* slot, look_up_t* look_up);
// The request ends before its reply came.
void slot_cancel(look_up_t* look_up);

// Deletes an entry, without a reply, if that is possible now: an entry that remains is found and
// deleted again.
void slot_delete(slot_t* slot, const ngx_str_t* key);

// A slot calls this for each key but the last one when its reply was read. Returns: whether the
// next key's entry can be a hit; if not, the look-up is over.
ngx_flag_t look_up_continues(look_up_t* look_up, const entry_t* entry);

// A slot calls this once for each look-up that it accepted, with the entry of the last key, and
// NULL when there was no reply.
void look_up_finished(look_up_t* look_up, const entry_t* entry);

// Sets the key that everyone has.
void seal_init(seal_t* seal);

// Reads a file of keys. Returns: NULL, or the end of a sentence that begins with its name.
const char* seal_load(seal_t* seal, const char* path);

// Returns: the content of an entry, whose size is then in `size`, or NULL when its seal is not
// valid for this key and these flags.
const u_char* seal_content(const seal_t* seal, const ngx_str_t* key, uint32_t flags,
                           const u_char* entry, size_t* size);

// Sets the keys of a list in the generation with this key. Returns: NGX_OK, NGX_DECLINED when its
// address cannot be that of an entry, or NGX_ERROR without memory.
ngx_int_t list_keys(look_up_t* look_up, const ngx_str_t* generation);

// Returns: whether the content of an entry is a token, which is then that of the look-up.
ngx_flag_t list_take_token(look_up_t* look_up, const u_char* value, size_t size);

// Returns: the response in the content of the entry of a list, whose size is then in `size`; NULL
// when it is that of another list, or was read under another token.
const u_char* list_response(const look_up_t* look_up, const u_char* value, size_t* size);

// Sends the content of an entry as the response to the request.
// Returns: NGX_DECLINED, with nothing sent, when it is not a complete `HTTP/1.1 200 OK` response;
// otherwise the argument for ngx_http_finalize_request.
ngx_int_t response_send(ngx_http_request_t* request, const u_char* value, size_t size);
