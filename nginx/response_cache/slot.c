#include "response_cache.h"

enum {
  kOutSize = 64 * 1024,
  kInSize = 64 * 1024,
  // `VA <bytes> f<expiry> k<key> W Z\r\n`
  kReplyLineMax = 3 + 10 + 2 + 10 + 2 + kKeyMax + 4 + 2,
};

// The meta command: Memcached replies to a packet of many with one packet, but to each classic
// `get` with a packet of its own. f: the reply contains the flags (the expiry of the entry), k: the
// key, v: the value.
static const char kCommand[] = "mg ";
static const char kCommandEnd[] = " f k v\r\n";
static const char kValue[] = "VA ";
static const char kExpiry[] = " f";
static const char kNoValue[] = "EN";
static const char kKey[] = " k";
static const char kLineEnd[] = "\r\n";
// Not `md` with the flag q: 1.6.18 replies to it when there is no entry.
static const char kDelete[] = "delete ";
static const char kDeleteEnd[] = " noreply\r\n";

static const ngx_str_t kIdentity = ngx_string("slot1");

#define LENGTH(literal) (sizeof(literal) - 1)

static look_up_t* take_oldest(slot_t* slot) {
  look_up_t* look_up = slot->waiters[slot->oldest].look_up;
  slot->oldest = (slot->oldest + 1) % kWaitersMax;
  slot->waiting--;
  if (look_up != NULL) {
    look_up->replied++;
  }
  return look_up;
}

// When a slot is emptied, `number/count`, a blank and digits are stored in its server
// (cache/slot_identity.hpp). With those of another slot, nothing is read from it. A server without
// them was not emptied yet, and one with other keys has no valid entry.
static void compare_identity(slot_t* slot, const entry_t* entry) {
  if (entry == NULL || entry->bytes == NULL) {
    return;
  }
  size_t size = entry->size;
  const u_char* identity = seal_content(slot->seal, &kIdentity, entry->flags, entry->bytes, &size);
  u_char expected[2 * NGX_INT_T_LEN + 2];
  const size_t length =
      (size_t)(ngx_sprintf(expected, "%ui/%ui ", slot->number, slot->count) - expected);
  slot->is_of_another_slot =
      identity != NULL && (size < length || ngx_memcmp(identity, expected, length) != 0);
}

// The replies to the other keys are not for this look-up any more.
static void finish(look_up_t* look_up, const entry_t* entry) {
  slot_cancel(look_up);
  if (look_up == &look_up->slot->identity) {
    compare_identity(look_up->slot, entry);
  } else {
    look_up_finished(look_up, entry);
  }
}

// Closes the connection and passes all waiting requests on to the service. A connection with a
// missing reply is never used again: a late reply would be taken for the next one.
static void fail(slot_t* slot, const char* reason) {
  ngx_log_error(NGX_LOG_ERR, slot->log, 0, "response cache %V: %s, %ui look-ups go to the service",
                &slot->address->name, reason, slot->waiting);
  slot->paused_until = ngx_current_msec + slot->failure_pause;
  slot_stop(slot);
  while (slot->waiting > 0) {
    look_up_t* look_up = take_oldest(slot);
    if (look_up != NULL) {
      finish(look_up, NULL);
    }
  }
}

// Makes room for `size` bytes from in_begin on. Returns: NGX_OK, or NGX_ERROR without memory.
static ngx_int_t reserve(slot_t* slot, size_t size) {
  const size_t held = slot->in_end - slot->in_begin;
  if (slot->in_begin + size <= slot->in_size) {
    return NGX_OK;
  }
  if (size <= slot->in_size) {
    ngx_memmove(slot->in, slot->in + slot->in_begin, held);
  } else {
    u_char* larger = ngx_alloc(size, slot->log);
    if (larger == NULL) {
      return NGX_ERROR;
    }
    ngx_memcpy(larger, slot->in + slot->in_begin, held);
    ngx_free(slot->in);
    slot->in = larger;
    slot->in_size = size;
  }
  slot->in_begin = 0;
  slot->in_end = held;
  return NGX_OK;
}

// Returns: whether ` k<key>` between `at` and `end` contains the key of the look-up. A blank and W,
// X or Z may follow: the entry is a lease placeholder of a meta command. The key of a request that
// has ended is not available, so its reply always counts as right.
static ngx_flag_t has_key(const look_up_t* look_up, const u_char* at, const u_char* end) {
  if (look_up == NULL) {
    return 1;
  }
  const ngx_str_t* key = &look_up->keys[look_up->replied];
  const size_t size = LENGTH(kKey) + key->len;
  return (size_t)(end - at) >= size && ngx_memcmp(at, kKey, LENGTH(kKey)) == 0 &&
         ngx_memcmp(at + LENGTH(kKey), key->data, key->len) == 0 &&
         ((size_t)(end - at) == size || at[size] == ' ');
}

// Reads `VA <bytes> f<expiry> k<key>` between `at` and `end`. Returns: the number of bytes, or
// NGX_ERROR when Memcached cannot have sent this line or it replies to another command.
static ssize_t value_size(const look_up_t* look_up, u_char* at, u_char* end, uint32_t* flags) {
  if ((size_t)(end - at) <= LENGTH(kValue) || ngx_memcmp(at, kValue, LENGTH(kValue)) != 0) {
    return NGX_ERROR;
  }
  at += LENGTH(kValue);
  u_char* size_end = ngx_strlchr(at, end, ' ');
  if (size_end == NULL || (size_t)(end - size_end) <= LENGTH(kExpiry) ||
      ngx_memcmp(size_end, kExpiry, LENGTH(kExpiry)) != 0) {
    return NGX_ERROR;
  }
  u_char* expiry = size_end + LENGTH(kExpiry);
  u_char* key = ngx_strlchr(expiry, end, ' ');
  if (key == NULL || !has_key(look_up, key, end)) {
    return NGX_ERROR;
  }
  const time_t number = ngx_atotm(expiry, (size_t)(key - expiry));
  const ssize_t size = ngx_atosz(at, (size_t)(size_end - at));
  *flags = (uint32_t)number;
  return number < 0 || number > UINT32_MAX || size > kValueMax ? NGX_ERROR : size;
}

// Returns: whether the line between `at` and `end` is `EN` or, as some versions send it,
// `EN k<key>`.
static ngx_flag_t is_miss(const look_up_t* look_up, const u_char* at, const u_char* end) {
  if ((size_t)(end - at) < LENGTH(kNoValue) || ngx_memcmp(at, kNoValue, LENGTH(kNoValue)) != 0) {
    return 0;
  }
  at += LENGTH(kNoValue);
  return at == end || has_key(look_up, at, end);
}

// The service writes the expiry of an entry, in seconds since 1970, into its flags. A Memcached
// process that was stopped returns expired entries for a moment, because its clock did not run
// (cache/entry_expiry.hpp).
static ngx_flag_t is_expired(uint32_t flags) { return ngx_time() >= (time_t)flags; }

static void finish_oldest(slot_t* slot, size_t reply_size, const entry_t* entry) {
  look_up_t* look_up = take_oldest(slot);
  slot->in_begin += reply_size;
  if (look_up == NULL) {
    return;
  }
  if (look_up->replied == look_up->key_count) {
    finish(look_up, entry);
  } else if (!look_up_continues(look_up, entry)) {
    static const entry_t none = {NULL, 0, 0};
    finish(look_up, &none);
  }
}

// Handles the reply at in_begin. Returns: NGX_OK, NGX_AGAIN when a part of it is missing, NGX_ERROR
// when it is not a valid reply.
static ngx_int_t handle_reply(slot_t* slot) {
  const look_up_t* look_up = slot->waiters[slot->oldest].look_up;
  u_char* begin = slot->in + slot->in_begin;
  const size_t held = slot->in_end - slot->in_begin;

  u_char* value = memchr(begin, '\n', held);
  const size_t line = value == NULL ? held : (size_t)(++value - begin);
  if (line > kReplyLineMax) {
    return NGX_ERROR;  // also a complete line, so that it does not matter in which pieces it arrives
  }
  if (value == NULL) {
    return NGX_AGAIN;
  }
  if (line < LENGTH(kLineEnd) || value[-2] != '\r') {
    return NGX_ERROR;
  }
  u_char* line_end = value - LENGTH(kLineEnd);
  if (is_miss(look_up, begin, line_end)) {
    const entry_t none = {NULL, 0, 0};
    finish_oldest(slot, line, &none);
    return NGX_OK;
  }
  uint32_t flags;
  const ssize_t size = value_size(look_up, begin, line_end, &flags);
  if (size == NGX_ERROR) {
    return NGX_ERROR;
  }
  const size_t whole = line + (size_t)size + LENGTH(kLineEnd);
  if (held < whole) {
    return reserve(slot, whole) == NGX_OK ? NGX_AGAIN : NGX_ERROR;
  }
  if (ngx_memcmp(value + size, kLineEnd, LENGTH(kLineEnd)) != 0) {
    return NGX_ERROR;
  }
  const entry_t entry = {is_expired(flags) ? NULL : value, (size_t)size, flags};
  finish_oldest(slot, whole, &entry);
  return NGX_OK;
}

// Handles all complete replies. Returns: NGX_OK or NGX_ERROR.
static ngx_int_t handle_replies(slot_t* slot) {
  while (slot->in_begin < slot->in_end) {
    if (slot->waiting == 0) {
      return NGX_ERROR;  // a reply without a command
    }
    const ngx_int_t taken = handle_reply(slot);
    if (slot->is_of_another_slot) {
      return NGX_ERROR;
    }
    if (taken != NGX_OK) {
      return taken == NGX_AGAIN ? reserve(slot, slot->in_end - slot->in_begin + 1) : NGX_ERROR;
    }
  }
  slot->in_begin = slot->in_end = 0;
  return NGX_OK;
}

static void on_readable(ngx_event_t* event) {
  ngx_connection_t* connection = event->data;
  slot_t* slot = connection->data;
  do {
    const ssize_t received =
        connection->recv(connection, slot->in + slot->in_end, slot->in_size - slot->in_end);
    if (received == NGX_AGAIN) {
      break;
    }
    if (received == 0 || received == NGX_ERROR) {
      fail(slot, "connection lost");
      return;
    }
    slot->in_end += (size_t)received;
    if (handle_replies(slot) != NGX_OK) {
      fail(slot,
           slot->is_of_another_slot ? "its server is that of another slot" : "unexpected reply");
      return;
    }
  } while (event->ready);
  if (ngx_handle_read_event(event, 0) != NGX_OK) {
    fail(slot, "cannot wait for replies");
  }
}

static void send_commands(slot_t* slot) {
  ngx_connection_t* connection = slot->connection;
  if (connection == NULL || !connection->write->ready) {
    return;
  }
  while (slot->out_begin < slot->out_end) {
    const ssize_t sent =
        connection->send(connection, slot->out + slot->out_begin, slot->out_end - slot->out_begin);
    if (sent == NGX_AGAIN) {
      break;
    }
    if (sent < 0) {
      fail(slot, "cannot send");
      return;
    }
    slot->out_begin += (size_t)sent;
  }
  if (slot->out_begin == slot->out_end) {
    slot->out_begin = slot->out_end = 0;
  }
  if (ngx_handle_write_event(connection->write, 0) != NGX_OK) {
    fail(slot, "cannot wait to send");
  }
}

static void on_writable(ngx_event_t* event) {
  send_commands(((ngx_connection_t*)event->data)->data);
}

static void on_flush(ngx_event_t* event) { send_commands(event->data); }

// One timer for the oldest waiter. It is checked when it fires, and not moved with each reply.
static void on_overdue(ngx_event_t* event) {
  slot_t* slot = event->data;
  if (slot->waiting == 0) {
    return;
  }
  const ngx_msec_t waited = ngx_current_msec - slot->waiters[slot->oldest].sent;
  if (waited >= slot->timeout) {
    fail(slot, "no reply in time");
    return;
  }
  ngx_add_timer(event, slot->timeout - waited);
}

static ngx_int_t open_connection(slot_t* slot) {
  ngx_peer_connection_t peer;
  ngx_memzero(&peer, sizeof(peer));
  peer.sockaddr = slot->address->sockaddr;
  peer.socklen = slot->address->socklen;
  peer.name = &slot->address->name;
  peer.get = ngx_event_get_peer;
  peer.log = slot->log;
  peer.log_error = NGX_ERROR_ERR;
  const ngx_int_t opened = ngx_event_connect_peer(&peer);
  if (opened != NGX_OK && opened != NGX_AGAIN) {
    return NGX_ERROR;
  }
  slot->connection = peer.connection;
  slot->connection->data = slot;
  slot->connection->read->handler = on_readable;
  slot->connection->write->handler = on_writable;
  if (slot->address->sockaddr->sa_family != AF_UNIX) {
    // Nagle's algorithm would delay a second packet of commands until the first is acknowledged.
    (void)ngx_tcp_nodelay(slot->connection);
  }
  return NGX_OK;
}

ngx_int_t slot_start(slot_t* slot, ngx_log_t* log) {
  slot->log = log;
  slot->out = ngx_alloc(kOutSize, log);
  slot->in = ngx_alloc(kInSize, log);
  slot->in_size = kInSize;
  slot->flush.data = slot;
  slot->flush.handler = on_flush;
  slot->flush.log = log;
  slot->overdue.data = slot;
  slot->overdue.handler = on_overdue;
  slot->overdue.log = log;
  return slot->out == NULL || slot->in == NULL ? NGX_ERROR : NGX_OK;
}

void slot_stop(slot_t* slot) {
  if (slot->connection != NULL) {
    ngx_close_connection(slot->connection);
    slot->connection = NULL;
  }
  if (slot->flush.posted) {
    ngx_delete_posted_event(&slot->flush);
  }
  if (slot->overdue.timer_set) {
    ngx_del_timer(&slot->overdue);
  }
  slot->out_begin = slot->out_end = 0;
  slot->in_begin = slot->in_end = 0;
}

static void add_commands(slot_t* slot, look_up_t* look_up) {
  look_up->slot = slot;
  look_up->place = (slot->oldest + slot->waiting) % kWaitersMax;
  u_char* at = slot->out + slot->out_end;
  for (ngx_uint_t i = 0; i < look_up->key_count; i++) {
    at = ngx_cpymem(at, kCommand, LENGTH(kCommand));
    at = ngx_cpymem(at, look_up->keys[i].data, look_up->keys[i].len);
    at = ngx_cpymem(at, kCommandEnd, LENGTH(kCommandEnd));
    slot->waiters[(look_up->place + i) % kWaitersMax] = (waiter_t){look_up, ngx_current_msec};
  }
  slot->out_end = (size_t)(at - slot->out);
  slot->waiting += look_up->key_count;
}

ngx_int_t slot_look_up(slot_t* slot, look_up_t* look_up) {
  size_t needed = 0;
  for (ngx_uint_t i = 0; i < look_up->key_count; i++) {
    needed += LENGTH(kCommand) + look_up->keys[i].len + LENGTH(kCommandEnd);
  }
  if (ngx_current_msec < slot->paused_until || slot->waiting + look_up->key_count > kWaitersMax ||
      kOutSize - slot->out_end < needed) {
    return NGX_DECLINED;
  }
  if (slot->connection == NULL) {
    if (open_connection(slot) != NGX_OK) {
      slot->paused_until = ngx_current_msec + slot->failure_pause;
      return NGX_DECLINED;
    }
    slot->is_of_another_slot = 0;
    slot->identity = (look_up_t){.keys = {kIdentity}, .key_count = 1};
    add_commands(slot, &slot->identity);
  }
  add_commands(slot, look_up);
  if (!slot->overdue.timer_set) {
    ngx_add_timer(&slot->overdue, slot->timeout);
  }
  ngx_post_event(&slot->flush, &ngx_posted_events);
  return NGX_AGAIN;
}

void slot_delete(slot_t* slot, const ngx_str_t* key) {
  const size_t needed = LENGTH(kDelete) + key->len + LENGTH(kDeleteEnd);
  if (slot->connection == NULL || kOutSize - slot->out_end < needed) {
    return;
  }
  u_char* at = ngx_cpymem(slot->out + slot->out_end, kDelete, LENGTH(kDelete));
  at = ngx_cpymem(at, key->data, key->len);
  at = ngx_cpymem(at, kDeleteEnd, LENGTH(kDeleteEnd));
  slot->out_end = (size_t)(at - slot->out);
  ngx_post_event(&slot->flush, &ngx_posted_events);
}

void slot_cancel(look_up_t* look_up) {
  for (ngx_uint_t i = look_up->replied; i < look_up->key_count; i++) {
    look_up->slot->waiters[(look_up->place + i) % kWaitersMax].look_up = NULL;
  }
}
