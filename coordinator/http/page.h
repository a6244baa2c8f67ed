// Pages: page_size, and page_token, which holds the last row's sort keys and what it belongs to.
#ifndef TUNERD_COORDINATOR_HTTP_PAGE_H
#define TUNERD_COORDINATOR_HTTP_PAGE_H

#include "common/json.h"
#include "coordinator/http/server.h"

// An integer query parameter within [min, max]; false with an answer given otherwise.
bool page_integer(struct request *request, const char *name, int64_t fallback, int64_t min,
                  int64_t max, int64_t *out);

// The `state` parameter as SQL: " AND state IN ('a','b')", or nothing. `states` ends with NULL. False
// with an answer given when it names another state.
bool page_states(struct request *request, const char *const *states, struct buf *sql);

// Appends the token of a page of `scope` (what the filters and the order are) whose last row has `keys`.
// Takes over keys.
void page_token_put(struct buf *text, const char *scope, cJSON *keys);
// The keys of the request's page_token: *keys is NULL when there is none, else an array of nkeys numbers,
// strings and nulls, the caller's. False with an answer given when it is not such a token.
bool page_token_keys(struct request *request, const char *scope, int nkeys, cJSON **keys);

#endif
