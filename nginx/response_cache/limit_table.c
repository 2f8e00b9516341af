#include "client_limits.h"

// A client has one of a few places, in a set that its key and a secret choose: a look-up reads two
// or three cache lines, and nothing is allocated.

enum { kWays = 8 };

// Longer than any response but a stream takes (proxy_read_timeout in the template).
static const ngx_msec_t kReservationMs = 35000;
static const ngx_msec_t kAcceptedMs = 3600 * 1000;

typedef struct {
  uint64_t full_at[kPolicies];  // microseconds: when a bucket is full again
  ngx_msec_t accepted_until;
  ngx_msec_t reserved_until[kReservationsMax];
} client_t;

typedef struct {
  client_key_t keys[kWays];
  ngx_msec_t seen[kWays];  // 0: an empty place
  client_t clients[kWays];
} set_t;

struct limit_table_s {
  uint64_t secret[2];
  ngx_uint_t sets;
  set_t set[];
};

size_t limit_table_size(ngx_uint_t clients) {
  return sizeof(limit_table_t) + ((clients + kWays - 1) / kWays) * sizeof(set_t);
}

void limit_table_start(limit_table_t* table, ngx_uint_t clients, const uint64_t random[2]) {
  table->secret[0] = random[0];
  table->secret[1] = random[1];
  table->sets = (clients + kWays - 1) / kWays;
}

// SplitMix64's last step (request_id.c).
static uint64_t mixed(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31);
}

static set_t* set_of(limit_table_t* table, client_key_t client) {
  const uint64_t hash =
      mixed(mixed(client.high ^ table->secret[0]) + client.low + table->secret[1]);
  return &table->set[hash % table->sets];
}

// Returns: the state of the client, or NULL when the table does not have it.
static client_t* find(limit_table_t* table, client_key_t client, ngx_msec_t now) {
  set_t* set = set_of(table, client);
  for (ngx_uint_t i = 0; i < kWays; i++) {
    if (set->seen[i] != 0 && set->keys[i].high == client.high && set->keys[i].low == client.low) {
      set->seen[i] = now;
      return &set->clients[i];
    }
  }
  return NULL;
}

// Returns: the state of the client, new if necessary.
static client_t* find_or_add(limit_table_t* table, client_key_t client, ngx_msec_t now) {
  client_t* found = find(table, client, now);
  if (found != NULL) {
    return found;
  }
  set_t* set = set_of(table, client);
  ngx_uint_t oldest = 0;
  for (ngx_uint_t i = 1; i < kWays; i++) {
    if (set->seen[i] < set->seen[oldest]) {
      oldest = i;
    }
  }
  set->keys[oldest] = client;
  set->seen[oldest] = now;
  ngx_memzero(&set->clients[oldest], sizeof(client_t));
  return &set->clients[oldest];
}

static uint64_t seconds(uint64_t microseconds) { return (microseconds + 999999) / 1000000; }

// The bucket is kept as the time when it will be full (generic cell rate algorithm, ITU-T I.371).
verdict_t limit_table_take(limit_table_t* table, client_key_t client, policy_t policy,
                           const rate_t* rate, ngx_msec_t now, ngx_flag_t look) {
  const uint64_t at = (uint64_t)now * 1000;
  const uint64_t size = rate->burst * rate->interval;
  client_t* state = look ? find(table, client, now) : find_or_add(table, client, now);
  uint64_t full_at = state == NULL ? at : ngx_max(state->full_at[policy], at);
  const ngx_flag_t refused = full_at + rate->interval > at + size;
  if (!refused && !look) {
    full_at += rate->interval;
    state->full_at[policy] = full_at;
  }
  return (verdict_t){
      .left = (at + size - full_at) / rate->interval,
      .reset = seconds(full_at - at),
      .wait = refused ? seconds(full_at + rate->interval - at - size) : 0,
  };
}

ngx_int_t limit_table_reserve(limit_table_t* table, client_key_t client, const rate_t* rate,
                              ngx_msec_t now) {
  client_t* state = find_or_add(table, client, now);
  for (ngx_uint_t i = rate->reservations; i < rate->reservations + rate->in_progress; i++) {
    if (state->reserved_until[i] <= now) {
      state->reserved_until[i] = now + kReservationMs;
      return (ngx_int_t)i;
    }
  }
  return NGX_DECLINED;
}

void limit_table_release(limit_table_t* table, client_key_t client, ngx_int_t reservation) {
  client_t* state = find(table, client, ngx_current_msec);
  if (state != NULL) {
    state->reserved_until[reservation] = 0;
  }
}

void limit_table_set_accepted(limit_table_t* table, client_key_t token, ngx_msec_t now) {
  find_or_add(table, token, now)->accepted_until = now + kAcceptedMs;
}

ngx_flag_t limit_table_was_accepted(limit_table_t* table, client_key_t token, ngx_msec_t now) {
  const client_t* state = find(table, token, now);
  return state != NULL && state->accepted_until > now;
}
