// $codasync_idempotency_key and $codasync_if_match: the value of that header in the request. Nginx'
// own $http_... variable is empty for an empty header and for an absent one, and is the first value
// of several. The service could then not refuse an empty or repeated condition or key. Here both
// are one blank, which the service reads as an empty header and refuses.

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

static ngx_str_t names[] = {ngx_string("idempotency-key"), ngx_string("if-match")};
static ngx_str_t variables[] = {ngx_string("codasync_idempotency_key"),
                                ngx_string("codasync_if_match")};
enum { kNames = sizeof(names) / sizeof(names[0]) };

static ngx_flag_t has_name(const ngx_table_elt_t* header, const ngx_str_t* name) {
  return header->hash != 0 && header->key.len == name->len &&
         ngx_strncasecmp(header->key.data, name->data, name->len) == 0;
}

static ngx_int_t header_variable(ngx_http_request_t* request, ngx_http_variable_value_t* value,
                                 uintptr_t data) {
  static ngx_str_t refused = ngx_string(" ");
  const ngx_str_t* sent = NULL;
  for (const ngx_list_part_t* part = &request->headers_in.headers.part; part != NULL;
       part = part->next) {
    const ngx_table_elt_t* headers = part->elts;
    for (ngx_uint_t i = 0; i < part->nelts; i++) {
      if (has_name(&headers[i], &names[data])) {
        sent = sent == NULL && headers[i].value.len > 0 ? &headers[i].value : &refused;
      }
    }
  }
  value->not_found = sent == NULL;
  if (sent == NULL) {
    return NGX_OK;
  }
  value->len = (unsigned)sent->len &
               0xfffffff;  // the width of the field; a request head has some KiB at most
  value->data = sent->data;
  value->valid = 1;
  value->no_cacheable = 0;
  return NGX_OK;
}

static ngx_int_t add_variables(ngx_conf_t* cf) {
  for (ngx_uint_t i = 0; i < kNames; i++) {
    ngx_http_variable_t* variable = ngx_http_add_variable(cf, &variables[i], 0);
    if (variable == NULL) {
      return NGX_ERROR;
    }
    variable->get_handler = header_variable;
    variable->data = i;
  }
  return NGX_OK;
}

static ngx_http_module_t context = {add_variables, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

ngx_module_t ngx_http_request_header_module = {
    NGX_MODULE_V1, &context, NULL, NGX_HTTP_MODULE,      NULL, NULL, NULL, NULL,
    NULL,          NULL,     NULL, NGX_MODULE_V1_PADDING};
