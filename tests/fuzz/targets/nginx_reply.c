// Replies of Memcached as Nginx' module reads them (nginx/response_cache): the connection to a
// slot, the entries of lists, and stored responses. The first byte says how many look-ups wait and
// of which kind, the second one in which pieces the rest arrives. What the module needs of Nginx is
// below: its memory, its header fields, and a connection whose data is the input.

#include <stdio.h>
#include <stdlib.h>

#include "nginx/response_cache/response_cache.h"

enum {
  kLookUpsMax = 8,
  kFieldsMax = 4096,
};

static void check(int holds, const char* property) {
  if (!holds) {
    fprintf(stderr, "does not hold: %s\n", property);
    abort();
  }
}

// ---- what the module needs of Nginx -----------------------------------------------------------

static ngx_time_t now = {.sec = 1800000000};
volatile ngx_time_t* ngx_cached_time = &now;
volatile ngx_msec_t ngx_current_msec;
ngx_queue_t ngx_posted_events;
ngx_rbtree_t ngx_event_timer_rbtree;
uint32_t ngx_crc32_table256[256];

void ngx_rbtree_insert(ngx_rbtree_t* tree, ngx_rbtree_node_t* node) { (void)tree, (void)node; }
void ngx_rbtree_delete(ngx_rbtree_t* tree, ngx_rbtree_node_t* node) { (void)tree, (void)node; }
void ngx_log_error_core(ngx_uint_t level, ngx_log_t* log, ngx_err_t err, const char* fmt, ...) {
  (void)level, (void)log, (void)err, (void)fmt;
}
void* ngx_alloc(size_t size, ngx_log_t* log) {
  (void)log;
  return malloc(size);
}
ngx_int_t ngx_handle_read_event(ngx_event_t* event, ngx_uint_t flags) {
  (void)event, (void)flags;
  return NGX_OK;
}
ngx_int_t ngx_handle_write_event(ngx_event_t* event, size_t lowat) {
  (void)event, (void)lowat;
  return NGX_OK;
}
ngx_int_t ngx_event_get_peer(ngx_peer_connection_t* peer, void* data) {
  (void)peer, (void)data;
  return NGX_OK;
}
ngx_int_t ngx_tcp_nodelay(ngx_connection_t* connection) {
  (void)connection;
  return NGX_OK;
}
void ngx_close_connection(ngx_connection_t* connection) { (void)connection; }

// Without a sign, at least one digit, as in Nginx; NGX_ERROR for a number that is too large.
static ssize_t number(const u_char* text, size_t size) {
  ssize_t value = 0;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9' || value > (NGX_MAX_SIZE_T_VALUE - 9) / 10) {
      return NGX_ERROR;
    }
    value = value * 10 + (text[i] - '0');
  }
  return size == 0 ? NGX_ERROR : value;
}
ssize_t ngx_atosz(u_char* line, size_t n) { return number(line, n); }
time_t ngx_atotm(u_char* line, size_t n) { return number(line, n); }
ngx_int_t ngx_strncasecmp(u_char* left, u_char* right, size_t n) {
  return strncasecmp((const char*)left, (const char*)right, n);
}
u_char* ngx_sprintf(u_char* buffer, const char* format, ...) {
  (void)format;
  return buffer;
}
void* ngx_pnalloc(ngx_pool_t* pool, size_t size) {
  (void)pool, (void)size;
  return NULL;
}

static ngx_buf_t buffer;
ngx_buf_t* ngx_create_temp_buf(ngx_pool_t* pool, size_t size) {
  (void)pool;
  buffer = (ngx_buf_t){.pos = malloc(size)};
  buffer.start = buffer.last = buffer.pos;
  buffer.end = buffer.pos + size;
  return &buffer;
}

static ngx_table_elt_t fields[kFieldsMax];
static size_t field_count;
void* ngx_list_push(ngx_list_t* list) {
  (void)list;
  return field_count == kFieldsMax ? NULL : &fields[field_count++];
}
ngx_int_t ngx_http_discard_request_body(ngx_http_request_t* request) {
  (void)request;
  return NGX_OK;
}

static void check_text(const ngx_str_t* text, const char* property) {
  check(text->data >= buffer.start && text->data + text->len <= buffer.end,
        "a field is inside the value");
  for (size_t i = 0; i < text->len; i++) {
    check(text->data[i] >= ' ' && text->data[i] != 0x7f, property);
  }
}
ngx_int_t ngx_http_send_header(ngx_http_request_t* request) {
  (void)request;
  for (size_t i = 0; i < field_count; i++) {
    check_text(&fields[i].key, "a name of a field has no control character");
    check_text(&fields[i].value, "a value of a field has no control character");
    check(fields[i].key.len > 0 && fields[i].value.len > 0, "a field has a name and a value");
    for (const char* const* own = (const char* const[]){"Content-Length", "Transfer-Encoding",
                                                        "Connection", "Date", "Server", NULL};
         *own; own++) {
      check(fields[i].key.len != strlen(*own) ||
                strncasecmp((char*)fields[i].key.data, *own, strlen(*own)) != 0,
            "no field is one that Nginx adds");
    }
  }
  return NGX_OK;
}
ngx_int_t ngx_http_output_filter(ngx_http_request_t* request, ngx_chain_t* chain) {
  check(chain->buf->pos >= buffer.start && chain->buf->pos < chain->buf->last &&
            chain->buf->last <= buffer.end,
        "a body is inside the value");
  check(request->headers_out.content_length_n == chain->buf->last - chain->buf->pos,
        "the length is that of the body");
  return NGX_OK;
}

// ---- the connection -----------------------------------------------------------------------------

static const u_char* input;
static size_t input_size, piece;
static ngx_event_t readable, writable;
static ngx_connection_t connection;

static ssize_t receive(ngx_connection_t* from, u_char* to, size_t size) {
  (void)from;
  check(size > 0, "there is room for the next reply");
  const size_t taken = ngx_min(ngx_min(size, piece), input_size);
  memcpy(to, input, taken);
  input += taken;
  input_size -= taken;
  return (ssize_t)taken;  // 0: Memcached closed the connection
}
static ssize_t send_all(ngx_connection_t* to, u_char* from, size_t size) {
  (void)to, (void)from;
  return (ssize_t)size;
}
ngx_int_t ngx_event_connect_peer(ngx_peer_connection_t* peer) {
  readable = (ngx_event_t){.data = &connection, .ready = 1};
  writable = (ngx_event_t){.data = &connection, .ready = 1};
  connection =
      (ngx_connection_t){.read = &readable, .write = &writable, .recv = receive, .send = send_all};
  peer->connection = &connection;
  return NGX_OK;
}

// ---- the look-ups
// ---------------------------------------------------------------------------------

typedef struct {
  uint64_t values;  // a sum over the values in their order
  ngx_uint_t finished[kLookUpsMax];
  ngx_uint_t responses;
} result_t;

static look_up_t look_ups[kLookUpsMax];
static result_t result;
static seal_t seal;

// Returns: the content of an entry, whose size is then in `size`; NULL without one. Seals are
// checked, but one that is not valid does not matter: no input would have a valid one.
static const u_char* content_of(look_up_t* look_up, const entry_t* entry, size_t* size) {
  if (entry == NULL || entry->bytes == NULL) {
    return NULL;
  }
  check(entry->size <= kValueMax, "an entry is not larger than Memcached's are");
  *size = entry->size;
  const ngx_str_t* key = &look_up->keys[look_up->replied - 1];
  if (seal_content(&seal, key, entry->flags, entry->bytes, size) != NULL) {
    check(*size == entry->size - kSealSize, "the content is the entry without its seal");
  } else {
    slot_delete(look_up->slot, key);
  }
  *size = entry->size - kSealSize;
  return entry->size > kSealSize ? entry->bytes + kSealSize : NULL;
}

ngx_flag_t look_up_continues(look_up_t* look_up, const entry_t* entry) {
  size_t size = 0;
  const u_char* token = content_of(look_up, entry, &size);
  return token != NULL && list_take_token(look_up, token, size);
}

void look_up_finished(look_up_t* look_up, const entry_t* entry) {
  result.finished[look_up - look_ups]++;
  size_t size = 0;
  const u_char* value = content_of(look_up, entry, &size);
  if (value != NULL && look_up->address.len > 0) {
    value = list_response(look_up, value, &size);
  }
  if (value == NULL) {
    return;
  }
  for (size_t i = 0; i < size; i++) {
    result.values = result.values * 1099511628211U + value[i];
  }
  ngx_http_request_t request = {.header_only = 0};
  buffer = (ngx_buf_t){0};
  field_count = 0;
  const ngx_int_t sent = response_send(&request, value, size);
  result.responses += sent != NGX_DECLINED;
  free(buffer.start);
}

static void reply(const u_char* data, size_t size, u_char kind, size_t of_piece) {
  static slot_t slot;
  static ngx_log_t log;
  static struct sockaddr_un address = {.sun_family = AF_UNIX};
  static ngx_addr_t server = {.sockaddr = (struct sockaddr*)&address, .socklen = sizeof(address)};
  static ngx_str_t key = ngx_string("coda1:/api/v1/shops/1");
  static ngx_str_t generation = ngx_string("gen1:shops");
  static ngx_str_t place = ngx_string("list2:7");
  static ngx_str_t list = ngx_string("/api/v1/shops");

  ngx_queue_init(&ngx_posted_events);
  memset(&slot, 0, sizeof(slot));
  memset(look_ups, 0, sizeof(look_ups));
  memset(&result, 0, sizeof(result));
  seal_init(&seal);
  slot.address = &server;
  slot.timeout = 100;
  slot.count = 1;
  slot.seal = &seal;
  // The first reply of a connection is that about the identity of the server.
  static const char no_identity[] = "EN\r\n";
  const size_t before = (kind & 0x20) != 0 ? 0 : sizeof(no_identity) - 1;
  u_char* whole = malloc(before + size + 1);
  memcpy(whole, no_identity, before);
  memcpy(whole + before, data, size);
  input = whole;
  input_size = before + size;
  piece = of_piece;
  check(slot_start(&slot, &log) == NGX_OK, "a slot starts");
  const size_t count = 1 + kind % kLookUpsMax;
  for (size_t i = 0; i < count; i++) {
    look_up_t* look_up = &look_ups[i];
    if ((kind & 0x40) != 0 && i % 2 == 1) {
      *look_up = (look_up_t){.keys = {generation, place}, .key_count = 2, .address = list};
    } else {
      *look_up = (look_up_t){.keys = {key}, .key_count = 1};
    }
    check(slot_look_up(&slot, look_up) == NGX_AGAIN, "a look-up is sent");
  }
  if ((kind & 0x80) != 0) {
    slot_cancel(&look_ups[0]);  // its client has left
    result.finished[0]++;
  }
  readable.handler(&readable);
  for (size_t i = 0; i < count; i++) {
    check(result.finished[i] == 1, "each look-up finishes once");
  }
  check(slot.waiting == 0, "no look-up waits after the end of the connection");
  slot_stop(&slot);
  free(whole);
  free(slot.in);
  free(slot.out);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  reply(data + 2, size - 2, data[0], 1 + data[1]);
  const result_t in_pieces = result;
  reply(data + 2, size - 2, data[0], size);
  check(memcmp(&in_pieces, &result, sizeof(result)) == 0,
        "replies mean the same in one piece and in several");
  return 0;
}
