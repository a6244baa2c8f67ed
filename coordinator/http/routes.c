// The route table: what there is, with what body, and which query parameters it takes.
#include <stdio.h>
#include <string.h>

#include "coordinator/http/resources.h"

static const char *const page_parameters[] = {"state", "page_size", "page_token", NULL};
static const char *const trials_parameters[] = {"state", "sort", "page_size", "page_token", NULL};
static const char *const create_parameters[] = {"validate_only", NULL};
static const char *const best_parameters[] = {"num_trials", NULL};
static const char *const export_parameters[] = {"format", NULL};
static const char *const model_parameters[] = {"format", NULL};
static const char *const report_parameters[] = {"execution", NULL};
static const char *const events_parameters[] = {"since", NULL};

#define API "/api/v1"
#define STUDY API "/studies/{name}"
#define TRIAL STUDY "/trials/{number}"

static const struct route routes[] = {
    {"GET", API "/studies", .handle = studies_list, .parameters = page_parameters},
    {"POST", API "/studies", .body = BODY_JSON, .handle = studies_create,
     .answered = study_answered, .parameters = create_parameters},
    {"GET", STUDY, .handle = study_get},
    {"PATCH", STUDY, .body = BODY_JSON, .handle = study_patch, .answered = study_answered},
    {"DELETE", STUDY, .handle = study_command, .command = COMMAND_DELETE_STUDY},
    {"POST", STUDY "/pause", .body = BODY_EMPTY, .handle = study_command,
     .answered = study_answered, .command = COMMAND_PAUSE},
    {"POST", STUDY "/resume", .body = BODY_EMPTY, .handle = study_command,
     .answered = study_answered, .command = COMMAND_RESUME},
    {"POST", STUDY "/stop", .body = BODY_EMPTY, .handle = study_command, .answered = study_answered,
     .command = COMMAND_STOP},
    {"POST", STUDY "/cancel", .body = BODY_EMPTY, .handle = study_command,
     .answered = study_answered, .command = COMMAND_CANCEL},
    {"GET", STUDY "/trials", .handle = trials_list, .parameters = trials_parameters},
    {"POST", STUDY "/trials", .body = BODY_JSON, .handle = trials_add, .answered = trial_answered},
    {"POST", STUDY "/suggest", .body = BODY_JSON, .handle = study_suggest},
    {"GET", TRIAL, .handle = trial_get},
    {"GET", TRIAL "/metrics", .handle = trial_metrics},
    {"GET", TRIAL "/report", .handle = trial_report, .parameters = report_parameters},
    {"GET", TRIAL "/model", .handle = trial_model, .parameters = model_parameters},
    {"POST", TRIAL "/measurements", .body = BODY_JSON, .handle = trial_command,
     .command = COMMAND_MEASUREMENT},
    {"POST", TRIAL "/complete", .body = BODY_JSON, .handle = trial_command,
     .answered = trial_answered, .command = COMMAND_COMPLETE},
    {"GET", STUDY "/best", .handle = study_best, .parameters = best_parameters},
    {"GET", STUDY "/export", .handle = study_export, .parameters = export_parameters},
    {"GET", STUDY "/replay", .handle = study_replay},
    {"GET", STUDY "/events", .handle = events_study, .parameters = events_parameters},
    {"GET", API "/events", .handle = events_all, .parameters = events_parameters},
    {"GET", API "/workers", .handle = workers_list},
    {"POST", API "/workers/{id}/drain", .body = BODY_EMPTY, .handle = worker_drain,
     .answered = worker_answered, .command = COMMAND_DRAIN_WORKER},
    {"GET", API "/datasets", .handle = datasets_list},
    {"GET", API "/datasets/{name}", .handle = dataset_get},
    {"POST", API "/datasets/{name}", .body = BODY_JSON, .handle = dataset_register,
     .answered = dataset_answered},
    {"DELETE", API "/datasets/{name}", .handle = dataset_delete},
    {"PUT", API "/datasets/{name}/{file}", .body = BODY_SINK, .sink = &upload_sink,
     .handle = upload_handle, .answered = upload_answered},
    {"GET", "/healthz", .handle = health_live, .open = true},
    {"GET", "/readyz", .handle = health_ready, .open = true},
    {"GET", "/metrics", .handle = health_metrics},
    {"GET", "/openapi.json", .handle = static_openapi},
};
enum { NROUTES = sizeof routes / sizeof routes[0] };

// The dashboard's files hold no data, and the page must load before it can ask for a token.
static const struct route static_route = {"GET", "", .handle = static_get, .open = true};

// Compares the pattern's segments with the address's, noting what stands in braces.
static bool matches(const char *pattern, const struct uri *uri, const char *arguments[4])
{
    int narguments = 0;
    for (int i = 0; i < uri->nsegments; i++) {
        if (*pattern++ != '/')
            return false;
        size_t len = strcspn(pattern, "/");
        const char *segment = uri->segments[i];
        if (pattern[0] == '{') {
            if (!*segment)
                return false;
            arguments[narguments++] = segment;
        } else if (strlen(segment) != len || memcmp(segment, pattern, len) != 0) {
            return false;
        }
        pattern += len;
    }
    return *pattern == '\0';
}

static void allow(char allowed[64], const char *method)
{
    size_t len = strlen(allowed);
    const char *also = strcmp(method, "GET") == 0 ? ", HEAD" : "";
    snprintf(allowed + len, 64 - len, "%s%s%s", len ? ", " : "", method, also);
}

const struct route *route_find(const char *method, const struct uri *uri, const char *arguments[4],
                               char allowed[64])
{
    allowed[0] = '\0';
    for (int i = 0; i < NROUTES; i++) {
        if (!matches(routes[i].path, uri, arguments))
            continue;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
        allow(allowed, routes[i].method);
    }
    if (!allowed[0] && static_has(uri)) {
        if (strcmp(method, "GET") == 0)
            return &static_route;
        allow(allowed, "GET");
    }
    return NULL;
}
