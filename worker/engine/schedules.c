// Finding a schedule by name and reading its arguments by its rules.

#include "worker/engine/schedules.h"

#include <stdlib.h>
#include <string.h>

#include "worker/engine/schedules/kind.h"

struct schedule {
    const struct schedule_kind *kind;
    struct schedule_args args;
};

static const struct schedule_kind *find_kind(const char *name)
{
    const struct schedule_kind *const tables[] = {schedules_keras, schedules_torch, NULL};

    for (int t = 0; tables[t]; t++) {
        for (const struct schedule_kind *kind = tables[t]; kind->name; kind++) {
            if (strcmp(kind->name, name) == 0)
                return kind;
        }
    }
    return NULL;
}

struct reading {
    const cJSON *config;
    double initial;
    int64_t steps;
    const char *pointer;
};

static enum code when_absent(const struct schedule_rule *rule, const struct reading *r, double *out,
                             struct error *err)
{
    switch (rule->when_absent) {
    case DEFAULT_VALUE:
        *out = rule->fallback;
        return OK;
    case DEFAULT_NONE:
        *out = (double)NAN;
        return OK;
    case DEFAULT_STEPS:
        *out = r->steps > 0 ? (double)r->steps : 1;
        return OK;
    case DEFAULT_INITIAL:
        *out = r->initial;
        if (!isnan(r->initial))
            return OK;
        break;
    case REQUIRED:
        break;
    }
    return fail(err, E_MISSING, json_pointer_of(r->pointer, rule->name).text, "%s is missing",
                rule->name);
}

static enum code read_name(const struct schedule_rule *rule, const cJSON *item, const char *pointer,
                           double *out, struct error *err)
{
    for (int i = 0; cJSON_IsString(item) && rule->names[i]; i++) {
        if (strcmp(rule->names[i], item->valuestring) == 0) {
            *out = i;
            return OK;
        }
    }
    return fail(err, E_UNKNOWN, json_pointer_of(pointer, rule->name).text,
                "unknown %s; \"%s\" is one of them", rule->name, rule->names[0]);
}

static enum code read_rule(const struct schedule_rule *rule, const struct reading *r,
                           struct schedule_args *args, struct error *err)
{
    void *field = (char *)args + rule->offset;
    double *out = field;
    const cJSON *item = json_member(r->config, rule->name);

    if (!item || cJSON_IsNull(item))
        return when_absent(rule, r, out, err);
    if (rule->names)
        return read_name(rule, item, r->pointer, out, err);
    if (!cJSON_IsNumber(item) && !cJSON_IsBool(item))
        return fail(err, E_TYPE, json_pointer_of(r->pointer, rule->name).text,
                    "%s must be a number", rule->name);
    *out = cJSON_IsBool(item) ? cJSON_IsTrue(item) : item->valuedouble;
    if (!(*out >= rule->min && *out <= rule->max))
        return fail(err, E_RANGE, json_pointer_of(r->pointer, rule->name).text,
                    "%s is %g; it must be from %g to %g", rule->name, *out, rule->min, rule->max);
    return OK;
}

enum code schedule_new(struct schedule **out, const cJSON *config, double initial, int64_t steps,
                       const char *pointer, struct error *err)
{
    const char *type =
        cJSON_IsString(config) ? config->valuestring : json_string_or(config, "type", "");
    const struct schedule_kind *kind = find_kind(type);
    struct reading reading = {config, initial, steps, pointer};
    enum code code = OK;

    if (!kind)
        return fail(err, E_UNKNOWN, pointer,
                    "unknown schedule \"%s\"; there are step, exponential, "
                    "polynomial, cosine, cosine_restarts, cyclical, one_cycle and Keras' own, as "
                    "ExponentialDecay",
                    type);
    struct schedule *schedule = calloc(1, sizeof *schedule);
    if (!schedule)
        return fail(err, E_MEMORY, pointer, "out of memory");
    schedule->kind = kind;
    for (const struct schedule_rule *rule = kind->rules; rule->name && !code; rule++)
        code = read_rule(rule, &reading, &schedule->args, err);
    if (!code && kind->read)
        code = kind->read(&schedule->args, config, pointer, err);
    if (code) {
        schedule_free(schedule);
        return code;
    }
    *out = schedule;
    return OK;
}

void schedule_free(struct schedule *schedule)
{
    if (!schedule)
        return;
    free(schedule->args.boundaries);
    free(schedule->args.values);
    free(schedule);
}

double schedule_rate(const struct schedule *schedule, int64_t step)
{
    const struct schedule_args *args = &schedule->args;
    double s = (double)step, warmup = schedule->kind->warms_up ? args->warmup_steps : 0;

    if (s < warmup)
        return schedule->kind->rate(args, 0) * (s + 1) / (warmup + 1);
    return schedule->kind->rate(args, s - warmup);
}
