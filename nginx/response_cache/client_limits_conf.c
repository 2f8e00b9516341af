#include <sys/random.h>

#include "client_limits.h"

// The directives of the limits, and the memory that the workers share.

const ngx_str_t kPolicyNames[kPolicies] = {ngx_string("requests"), ngx_string("reads"),
                                           ngx_string("costly"),   ngx_string("writes"),
                                           ngx_string("bulk"),     ngx_string("failed_tokens")};

static char* add_rate(ngx_conf_t* cf, ngx_command_t* command, void* data) {
  (void)command;
  limits_conf_t* conf = data;
  ngx_str_t* words = cf->args->elts;
  ngx_uint_t policy = 0;
  while (policy < kPolicies &&
         (words[1].len != kPolicyNames[policy].len ||
          ngx_strncmp(words[1].data, kPolicyNames[policy].data, words[1].len))) {
    policy++;
  }
  u_char* slash = ngx_strlchr(words[2].data, words[2].data + words[2].len, '/');
  const ngx_int_t number =
      slash == NULL ? NGX_ERROR : ngx_atoi(words[2].data, (size_t)(slash - words[2].data));
  const ngx_int_t burst = ngx_atoi(words[3].data, words[3].len);
  const ngx_int_t in_progress = cf->args->nelts > 4 ? ngx_atoi(words[4].data, words[4].len) : 0;
  if (policy == kPolicies || number <= 0 || burst <= 0 || in_progress < 0 ||
      slash + 2 != words[2].data + words[2].len || (slash[1] != 's' && slash[1] != 'm') ||
      conf->reservations + (ngx_uint_t)in_progress > kReservationsMax) {
    return "needs: name N/s|N/m burst [in_progress]";
  }
  conf->rates[policy] =
      (rate_t){.interval = (slash[1] == 's' ? 1000000U : 60000000U) / (uint64_t)number,
               .burst = (uint64_t)burst,
               .in_progress = (ngx_uint_t)in_progress,
               .reservations = conf->reservations};
  conf->reservations += (ngx_uint_t)in_progress;
  return conf->rates[policy].interval == 0 ? "has a rate above 1000000/s" : NGX_CONF_OK;
}

static char* add_unlimited(ngx_conf_t* cf, ngx_command_t* command, void* data) {
  (void)command;
  ngx_str_t* words = cf->args->elts;
  for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
    ngx_cidr_t* range = ngx_array_push(&((limits_conf_t*)data)->unlimited);
    if (range != NULL && words[i].len == 5 && ngx_strncmp(words[i].data, "unix:", 5) == 0) {
      range->family = AF_UNIX;
      continue;
    }
    if (range == NULL || ngx_ptocidr(&words[i], range) == NGX_ERROR) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V is not a network", &words[i]);
      return NGX_CONF_ERROR;
    }
  }
  return NGX_CONF_OK;
}

static ngx_int_t start_zone(ngx_shm_zone_t* zone, void* old) {
  (void)old;
  ngx_slab_pool_t* pool = (ngx_slab_pool_t*)zone->shm.addr;
  if (pool->data != NULL) {
    return NGX_OK;  // after a reload it is the same memory
  }
  const ngx_uint_t clients = (ngx_uint_t)(uintptr_t)zone->data;
  uint64_t random[2];
  pool->data = ngx_slab_calloc(pool, limit_table_size(clients));
  if (pool->data == NULL || getrandom(random, sizeof(random), 0) != sizeof(random)) {
    return NGX_ERROR;
  }
  limit_table_start(pool->data, clients, random);
  return NGX_OK;
}

static void* create_main_conf(ngx_conf_t* cf) {
  limits_conf_t* conf = ngx_pcalloc(cf->pool, sizeof(*conf));
  if (conf == NULL || ngx_array_init(&conf->unlimited, cf->pool, 4, sizeof(ngx_cidr_t)) != NGX_OK) {
    return NULL;
  }
  conf->clients = NGX_CONF_UNSET_UINT;
  conf->all_uploads = NGX_CONF_UNSET_UINT;
  for (ngx_uint_t i = 0; i < kCounts; i++) {
    conf->maxima[i] = NGX_CONF_UNSET_UINT;
  }
  return conf;
}

static char* init_main_conf(ngx_conf_t* cf, void* data) {
  limits_conf_t* conf = data;
  static ngx_str_t name = ngx_string("client_limits");
  ngx_conf_init_uint_value(conf->clients, 16384);
  ngx_conf_init_uint_value(conf->all_uploads, NGX_MAX_INT_T_VALUE);
  for (ngx_uint_t i = 0; i < kCounts; i++) {
    ngx_conf_init_uint_value(conf->maxima[i], NGX_MAX_INT_T_VALUE);
  }
  // The slab needs some pages for itself.
  const size_t size =
      limit_table_size(conf->clients) + limit_table_size(conf->clients) / 32 + 8 * ngx_pagesize;
  conf->zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_client_limits_module);
  if (conf->zone == NULL) {
    return NGX_CONF_ERROR;
  }
  conf->zone->init = start_zone;
  conf->zone->data = (void*)(uintptr_t)conf->clients;  // NOLINT(performance-no-int-to-ptr)
  return NGX_CONF_OK;
}

static void* create_location_conf(ngx_conf_t* cf) {
  return ngx_pcalloc(cf->pool, sizeof(limits_location_conf_t));
}

static ngx_command_t commands[] = {
    // A rate: its name, N/s or N/m, how many may come at once, how many may be in progress.
    {ngx_string("client_limit"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE3 | NGX_CONF_TAKE4, add_rate,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    // Of one address in one worker.
    {ngx_string("client_connections"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(limits_conf_t, maxima[kConnections]), NULL},
    {ngx_string("client_streams"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(limits_conf_t, maxima[kStreams]), NULL},
    // Requests with a body that may need a file.
    {ngx_string("client_uploads"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(limits_conf_t, maxima[kUploads]), NULL},
    // The same of all addresses in one worker.
    {ngx_string("all_uploads"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(limits_conf_t, all_uploads), NULL},
    // How many addresses and tokens are known at the same time.
    {ngx_string("client_limits_table"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
     NGX_HTTP_MAIN_CONF_OFFSET, offsetof(limits_conf_t, clients), NULL},
    {ngx_string("client_unlimited"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE, add_unlimited,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    // The kind of a request: the name of a rate, or `streams`.
    {ngx_string("client_kind"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, ngx_http_set_complex_value_slot,
     NGX_HTTP_LOC_CONF_OFFSET, offsetof(limits_location_conf_t, kind), NULL},
    ngx_null_command};

static ngx_http_module_t context = {client_limits_add_variable,
                                    client_limits_add_handlers,
                                    create_main_conf,
                                    init_main_conf,
                                    NULL,
                                    NULL,
                                    create_location_conf,
                                    NULL};

ngx_module_t ngx_http_client_limits_module = {NGX_MODULE_V1,
                                              &context,
                                              commands,
                                              NGX_HTTP_MODULE,
                                              NULL,
                                              NULL,
                                              client_limits_start_worker,
                                              NULL,
                                              NULL,
                                              NULL,
                                              NULL,
                                              NGX_MODULE_V1_PADDING};
