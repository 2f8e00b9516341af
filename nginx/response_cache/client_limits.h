#pragma once

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

// The parts of the limits of one client: client_limits_conf.c has the directives, client_limits.c
// applies them to connections and requests, limit_table.c has the rates in memory that all workers
// share, address_counts.c what one worker counts itself.

// A client: an IPv4 address, the /64 of an IPv6 address (a household or a server has at least
// that), or the hash of an access token.
typedef struct {
  uint64_t high, low;
} client_key_t;

client_key_t key_of_address(const struct sockaddr* address);
client_key_t key_of_token(const ngx_str_t* sent);

// What is limited by a rate. RateLimit headers name them.
typedef enum {
  kRequests,  // all, also those that are answered from the cache
  kReads,     // that go to the service
  kCostly,    // lists, searches, histories, exports
  kWrites,
  kBulk,          // writes of many operations in one request
  kFailedTokens,  // responses with status 401 to a request with a token
  kPolicies,
} policy_t;

// The most requests of a client in progress, of all policies together.
enum { kReservationsMax = 96 };

// A bucket holds `burst` requests, and one more after each `interval`.
typedef struct {
  uint64_t interval;  // microseconds; 0: no limit
  uint64_t burst;
  ngx_uint_t in_progress;   // at the same time; 0: no limit
  ngx_uint_t reservations;  // index of the first one in the table
} rate_t;

// The state of a bucket after a request.
typedef struct {
  uint64_t left;   // requests that may follow at once
  uint64_t reset;  // seconds until the bucket is full
  uint64_t wait;   // seconds until the next request may be sent; 0: this one may pass
} verdict_t;

// ---- limit_table.c: shared by the workers. A client that the table has no room for any more is
// removed, the least recently seen first; it then begins with full buckets.
typedef struct limit_table_s limit_table_t;

size_t limit_table_size(ngx_uint_t clients);
// `memory`: zeroed. `random`: a secret, so that no client can choose the place of another.
void limit_table_start(limit_table_t* table, ngx_uint_t clients, const uint64_t random[2]);

// Takes a request from a bucket, or with `look` only reads it. `now`: milliseconds.
verdict_t limit_table_take(limit_table_t* table, client_key_t client, policy_t policy,
                           const rate_t* rate, ngx_msec_t now, ngx_flag_t look);

// A request begins. A reservation that is not released ends by itself after some time, so that one
// of a worker that crashed does not stay. Returns: its index, or NGX_DECLINED when the client has
// too many.
ngx_int_t limit_table_reserve(limit_table_t* table, client_key_t client, const rate_t* rate,
                              ngx_msec_t now);
void limit_table_release(limit_table_t* table, client_key_t client, ngx_int_t reservation);

// A token that the service accepted is known for an hour.
void limit_table_set_accepted(limit_table_t* table, client_key_t token, ngx_msec_t now);
ngx_flag_t limit_table_was_accepted(limit_table_t* table, client_key_t token, ngx_msec_t now);

// ---- address_counts.c: of one worker, because they guard what each worker has for itself:
// connections, and the files of bodies that arrive.
typedef enum { kConnections, kStreams, kUploads, kCounts } count_t;
typedef struct address_s address_t;

// Makes the table of this worker. Returns: NGX_OK, or NGX_ERROR without memory.
ngx_int_t address_counts_start(ngx_uint_t addresses, ngx_log_t* log);

// Returns: the address, with one more of `count`; NULL when it has `max` already.
address_t* address_add(client_key_t address, count_t count, ngx_uint_t max);
void address_remove(address_t* address, count_t count);

// ---- client_limits_conf.c: what the configuration says.
typedef struct {
  rate_t rates[kPolicies];
  ngx_uint_t reservations;  // that the rates above have
  ngx_uint_t maxima[kCounts];
  ngx_uint_t all_uploads;  // of all addresses, in one worker
  ngx_uint_t clients;      // that the table has room for
  ngx_array_t unlimited;   // of ngx_cidr_t
  ngx_shm_zone_t* zone;    // has the table
} limits_conf_t;

typedef struct {
  ngx_http_complex_value_t* kind;  // of the request; NULL: no limits here
} limits_location_conf_t;

extern const ngx_str_t kPolicyNames[kPolicies];
extern ngx_module_t ngx_http_client_limits_module;

// ---- client_limits.c: called at the start of Nginx and of each worker. Return: NGX_OK, or
// NGX_ERROR without memory.
ngx_int_t client_limits_add_variable(ngx_conf_t* cf);
ngx_int_t client_limits_add_handlers(ngx_conf_t* cf);
ngx_int_t client_limits_start_worker(ngx_cycle_t* cycle);
