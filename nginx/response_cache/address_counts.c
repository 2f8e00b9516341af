#include "client_limits.h"

// Only addresses with a count above zero are in the table. There are fewer than connections of the
// worker and requests together, so a free place is always left.

struct address_s {
  client_key_t key;
  ngx_uint_t counts[kCounts];
  address_t* next;  // in its chain, or in the list of free places
};

static address_t** chains;
static ngx_uint_t chains_count;
static address_t* free_places;
static uint64_t secret;

ngx_int_t address_counts_start(ngx_uint_t addresses, ngx_log_t* log) {
  chains_count = addresses;
  chains = ngx_calloc(chains_count * sizeof(address_t*), log);
  address_t* places = ngx_calloc(addresses * sizeof(address_t), log);
  if (chains == NULL || places == NULL) {
    return NGX_ERROR;
  }
  for (ngx_uint_t i = 0; i < addresses; i++) {
    places[i].next = free_places;
    free_places = &places[i];
  }
  secret = ((uint64_t)(uint32_t)ngx_random() << 32) ^ (uint64_t)(uint32_t)ngx_random();
  return NGX_OK;
}

static address_t** chain_of(client_key_t key) {
  uint64_t hash = (key.high ^ secret) * 0x9e3779b97f4a7c15U + key.low;
  hash = (hash ^ (hash >> 32)) * 0x94d049bb133111ebU;
  return &chains[(hash >> 32) % chains_count];
}

address_t* address_add(client_key_t key, count_t count, ngx_uint_t max) {
  address_t** chain = chain_of(key);
  address_t* address = *chain;
  while (address != NULL && (address->key.high != key.high || address->key.low != key.low)) {
    address = address->next;
  }
  if (address == NULL) {
    address = free_places;
    if (address == NULL || max == 0) {
      return NULL;
    }
    free_places = address->next;
    address->key = key;
    address->next = *chain;
    *chain = address;
  } else if (address->counts[count] >= max) {
    return NULL;
  }
  address->counts[count]++;
  return address;
}

void address_remove(address_t* address, count_t count) {
  address->counts[count]--;
  for (ngx_uint_t i = 0; i < kCounts; i++) {
    if (address->counts[i] > 0) {
      return;
    }
  }
  address_t** at = chain_of(address->key);
  while (*at != address) {
    at = &(*at)->next;
  }
  *at = address->next;
  address->next = free_places;
  free_places = address;
}
