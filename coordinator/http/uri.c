// Splitting comes before decoding, so an escaped separator stays inside its segment.
#include "coordinator/http/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// In place. Form rules turn '+' into a space (queries only).
static enum code decode(char *s, bool form, struct error *err)
{
    char *out = s;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '%') {
            int high = hex_digit(s[1]), low = high < 0 ? -1 : hex_digit(s[2]);
            if (low < 0)
                return fail(err, E_SYNTAX, "",
                            "the address has a %% without two hex digits; "
                            "write %%25 for a percent sign");
            c = (unsigned char)(high * 16 + low);
            s += 2;
        } else if (form && c == '+') {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f)
            return fail(err, E_SYNTAX, "", "the address has a control byte; names have none");
        *out++ = (char)c;
    }
    *out = '\0';
    return OK;
}

static enum code split_path(char *path, struct uri *uri, struct error *err)
{
    if (path[0] != '/')
        return fail(err, E_SYNTAX, "", "the address does not begin with /; send the path alone");
    for (char *from = path + 1; from;) {
        char *end = strchr(from, '/');
        if (end)
            *end++ = '\0';
        if (uri->nsegments == URI_SEGMENTS_MAX)
            return fail(err, E_NOT_FOUND, "", "nothing is at an address this deep");
        enum code code = decode(from, false, err);
        if (code)
            return code;
        uri->segments[uri->nsegments++] = from;
        from = end;
    }
    return OK;
}

static enum code split_query(char *query, struct uri *uri, struct error *err)
{
    for (char *from = query; from;) {
        char *end = strchr(from, '&');
        if (end)
            *end++ = '\0';
        char *equals = strchr(from, '=');
        if (equals)
            *equals++ = '\0';
        if (*from) {
            if (uri->nparameters == URI_PARAMETERS_MAX)
                return fail(err, E_SYNTAX, "", "more than %d query parameters", URI_PARAMETERS_MAX);
            struct parameter *p = &uri->parameters[uri->nparameters];
            *p = (struct parameter){from, equals ? equals : from + strlen(from)};
            enum code code = decode(p->name, true, err);
            if (code == OK)
                code = decode(p->value, true, err);
            if (code)
                return code;
            if (uri_parameter(uri, p->name)) {
                char where[128];
                snprintf(where, sizeof where, "?%s", p->name);
                return fail(err, E_SYNTAX, where, "%s was given twice; give it once", where + 1);
            }
            uri->nparameters++;
        }
        from = end;
    }
    return OK;
}

static bool is_plain(const char *target)
{
    for (; *target; target++)
        if (*target <= 0x20 || *target == 0x7f) // bytes above 0x7f are negative
            return false;
    return true;
}

enum code uri_parse(const char *target, struct uri *out, struct error *err)
{
    if (!is_plain(target))
        return fail(err, E_SYNTAX, "",
                    "the address has bytes that need escaping; write them as %%XX");
    struct uri uri = {.memory = strdup(target)};
    if (!uri.memory)
        return fail(err, E_MEMORY, "", "out of memory");
    char *query = strchr(uri.memory, '?');
    if (query)
        *query++ = '\0';
    enum code code = split_path(uri.memory, &uri, err);
    if (code == OK && query)
        code = split_query(query, &uri, err);
    if (code) {
        uri_fini(&uri);
        return code;
    }
    *out = uri;
    return OK;
}

void uri_fini(struct uri *uri)
{
    free(uri->memory);
    *uri = (struct uri){0};
}

const char *uri_parameter(const struct uri *uri, const char *name)
{
    for (int i = 0; i < uri->nparameters; i++)
        if (strcmp(uri->parameters[i].name, name) == 0)
            return uri->parameters[i].value;
    return NULL;
}
