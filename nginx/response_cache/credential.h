#pragma once

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

// Finds what a request is authorised with, as the service reads it: the token of the header
// Authorization, and without this header the cookie of a session (api/session_cookie.hpp).
// Returns: whether there is one; then it is in `sent`, empty for another scheme than Bearer.
ngx_flag_t credential_of(const ngx_http_request_t* request, ngx_str_t* sent);

// Returns: whether this can be a token or the secret of a session, by its form. The service checks
// the rest.
ngx_flag_t credential_has_token_form(const ngx_str_t* sent);
