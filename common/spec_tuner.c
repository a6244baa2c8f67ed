// The tuner section: the algorithm's arguments by the catalogue, and what is to be optimised.
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/spec_parser.h"

static char *duplicate(struct spec_parser *parser, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        fault(parser->faults, E_MEMORY, "/tuner/objective", "out of memory");
    return copy;
}

// Where clients report what they like, a few names have a direction everybody knows.
static int usual_direction(const char *name)
{
    const struct entry *metric;

    if (strncmp(name, "val_", 4) == 0)
        name += 4;
    metric = catalogue_find(CATALOGUE_METRIC, name);
    if (metric)
        return metric->better;
    if (strcmp(name, "acc") == 0)
        return 1;
    return strcmp(name, "loss") == 0 || catalogue_find(CATALOGUE_LOSS, name) ? -1 : 0;
}

// 1, -1, or 0 with the fault told. name NULL: an expression. `known`: the metric's own direction, 0 for
// none.
static int read_direction(struct spec_parser *parser, const cJSON *direction, const char *name,
                          int known, const char *pointer)
{
    struct json_pointer at = json_pointer_of(pointer, "direction");

    const char *text = cJSON_IsString(direction) && direction ? direction->valuestring : "";

    if (strcmp(text, "max") == 0)
        return 1;
    if (strcmp(text, "min") == 0)
        return -1;
    if (direction)
        fault(parser->faults, E_UNKNOWN, at.text, "direction must be \"min\" or \"max\"");
    else if (!known && name)
        fault(parser->faults, E_MISSING, pointer,
              "it is not known whether \"%.60s\" is better high or low; write {\"name\": …, "
              "\"direction\": \"min\" or \"max\"}",
              name);
    else if (!known)
        fault(parser->faults, E_MISSING, at.text,
              "an expression needs \"direction\": \"min\" or \"max\"");
    return direction ? 0 : known;
}

static const char *const functions[] = {
    "sin",  "cos",  "tan",   "asin",  "acos",       "atan",          "atan2",         "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh",      "log2",          "log10",         "log",
    "ln",   "exp",  "sqrt",  "sign",  "rint",       "abs",           "min",           "max",
    "sum",  "avg",  "_pi",   "_e",    "parameters", "epoch_seconds", "learning_rate", NULL};

static bool is_function(const char *name)
{
    for (int i = 0; functions[i]; i++)
        if (strcmp(functions[i], name) == 0)
            return true;
    return false;
}

// Whether the names in it mean something; its grammar is checked where it is evaluated.
static bool check_expression(struct spec_parser *parser, const char *text, const char *pointer)
{
    int depth = 0, names = 0;
    char name[128];

    for (const char *c = text; *c;) {
        if (isalpha((unsigned char)*c) || *c == '_') {
            size_t n = 0;
            while (isalnum((unsigned char)*c) || *c == '_') {
                if (n < sizeof name - 1)
                    name[n++] = *c;
                c++;
            }
            name[n] = 0;
            names++;
            if (!is_function(name) && parser->nnames > 0 &&
                spec_find_logged(parser, name, pointer, parser->faults) < 0)
                return false;
            continue;
        }
        if (isdigit((unsigned char)*c) || (*c == '.' && isdigit((unsigned char)c[1]))) {
            strtod(c, (char **)&c); // takes the e of 1e-3 along
            continue;
        }
        if (!strchr("+-*/^(),<>=!&|?: \t", *c)) {
            fault(parser->faults, E_INVALID, pointer, "\"%c\" has no meaning in an expression", *c);
            return false;
        }
        depth += *c == '(' ? 1 : *c == ')' ? -1 : 0;
        if (depth < 0)
            break;
        c++;
    }
    if (depth)
        fault(parser->faults, E_INVALID, pointer, "the parentheses do not match");
    else if (!names)
        fault(parser->faults, E_INVALID, pointer, "the expression names no metric");
    return depth == 0 && names > 0;
}

static bool read_expression(struct spec_parser *parser, const cJSON *item, const char *pointer,
                            struct objective *out)
{
    const cJSON *expression = json_member(item, "expression"), *child;
    struct json_pointer at = json_pointer_of(pointer, "expression");

    cJSON_ArrayForEach(child, item)
    {
        if (strcmp(child->string, "expression") != 0 && strcmp(child->string, "direction") != 0) {
            fault(parser->faults, E_UNKNOWN, json_pointer_of(pointer, child->string).text,
                  "an expression has a direction and nothing else");
            return false;
        }
    }
    if (!cJSON_IsString(expression) || strlen(expression->valuestring) > 1000) {
        fault(parser->faults, E_TYPE, at.text,
              "expression must be a string of at most 1000 characters");
        return false;
    }
    int direction = read_direction(parser, json_member(item, "direction"), NULL, 0, pointer);
    if (!check_expression(parser, expression->valuestring, at.text) || !direction)
        return false;
    out->direction = direction > 0 ? MAXIMIZE : MINIMIZE;
    return (out->expression = duplicate(parser, expression->valuestring)) != NULL;
}

static bool read_metric(struct spec_parser *parser, const cJSON *item, const char *pointer,
                        struct objective *out)
{
    bool object = cJSON_IsObject(item);
    const cJSON *name = object ? json_member(item, "name") : item, *child;
    struct json_pointer at = json_pointer_of(pointer, "name");
    const char *place = object ? at.text : pointer;
    int known;

    for (child = object ? item->child : NULL; child; child = child->next)
        if (strcmp(child->string, "name") != 0 && strcmp(child->string, "direction") != 0) {
            fault(parser->faults, E_UNKNOWN, json_pointer_of(pointer, child->string).text,
                  "an objective has \"name\" and \"direction\" and nothing else");
            return false;
        }
    if (!cJSON_IsString(name) || !name->valuestring[0] || strlen(name->valuestring) > 160) {
        fault(parser->faults, name ? E_TYPE : E_MISSING, place,
              "an objective is the name of a metric, or {\"name\", \"direction\"}");
        return false;
    }
    known = usual_direction(name->valuestring);
    if (parser->nnames > 0) {
        int index = spec_find_logged(parser, name->valuestring, place, parser->faults);
        if (index < 0)
            return false;
        known = parser->better[index];
    }
    int direction = read_direction(parser, object ? json_member(item, "direction") : NULL,
                                   name->valuestring, known, pointer);
    if (!direction)
        return false;
    out->direction = direction > 0 ? MAXIMIZE : MINIMIZE;
    return (out->name = duplicate(parser, name->valuestring)) != NULL;
}

static void read_objectives(struct spec_parser *parser, const cJSON *item, struct tuner_spec *tuner)
{
    bool list = cJSON_IsArray(item);
    int n = list ? cJSON_GetArraySize(item) : 1, index = 0;

    if (n < 1 || n > 16) {
        fault(parser->faults, E_RANGE, "/tuner/objective", "give 1 to 16 objectives");
        return;
    }
    if (!(tuner->objectives = calloc((size_t)n, sizeof *tuner->objectives))) {
        fault(parser->faults, E_MEMORY, "/tuner/objective", "out of memory");
        return;
    }
    if (!list && json_member(item, "expression")) {
        tuner->nobjectives = read_expression(parser, item, "/tuner/objective", tuner->objectives);
        return;
    }
    for (const cJSON *one = list ? item->child : item; one && index < n; one = one->next, index++) {
        struct json_pointer at = json_pointer_at("/tuner/objective", index);
        tuner->nobjectives += read_metric(parser, one, list ? at.text : "/tuner/objective",
                                          &tuner->objectives[tuner->nobjectives]);
    }
}

static void read_warm_start(struct spec_parser *parser, const cJSON *list, struct tuner_spec *tuner)
{
    int n = cJSON_GetArraySize(list);

    if (!n)
        return;
    if (!(tuner->warm_start_from = calloc((size_t)n, sizeof *tuner->warm_start_from))) {
        fault(parser->faults, E_MEMORY, "/tuner/warm_start_from", "out of memory");
        return;
    }
    for (const cJSON *item = list->child; item; item = item->next)
        if (!(tuner->warm_start_from[tuner->nwarm_start++] = duplicate(parser, item->valuestring)))
            return;
}

static void read_epochs(struct spec_parser *parser, const cJSON *made, struct study_spec *spec)
{
    struct tuner_spec *tuner = &spec->tuner;
    bool given = cJSON_IsNumber(json_member(made, "max_epochs"));

    tuner->max_epochs = json_integer_or(made, "max_epochs", 0);
    tuner->min_epochs = json_integer_or(made, "min_epochs", 1);
    tuner->factor = json_integer_or(made, "factor", 3);
    tuner->hyperband_iterations = json_integer_or(made, "hyperband_iterations", 1);
    if (!json_member(made, "max_epochs"))
        return;
    // ASHA's own default is the study's fit.epochs.
    if (!given)
        tuner->max_epochs =
            cJSON_IsNumber(json_member(json_member(parser->document, "fit"), "epochs")) ||
                    is_hp(json_member(json_member(parser->document, "fit"), "epochs"))
                ? spec->epochs
                : 100;
    if (tuner->max_epochs < 1)
        fault(parser->faults, E_RANGE, "/fit/epochs", "%s needs 1 epoch or more", tuner->type);
    if (tuner->min_epochs > tuner->max_epochs)
        fault(parser->faults, E_RANGE, "/tuner/min_epochs",
              "min_epochs is %lld, above max_epochs %lld", (long long)tuner->min_epochs,
              (long long)tuner->max_epochs);
    spec->epochs = tuner->max_epochs;
}

static void read_arguments(struct spec_parser *parser, const cJSON *made, struct study_spec *spec)
{
    struct tuner_spec *tuner = &spec->tuner;
    const char *stopping = json_string_or(made, "early_stopping", "");

    snprintf(tuner->type, sizeof tuner->type, "%s", json_string_or(made, "type", "Auto"));
    tuner->max_trials = json_integer_or(made, "max_trials", -1);
    tuner->executions_per_trial = json_integer_or(made, "executions_per_trial", 1);
    tuner->max_parallel_trials = json_integer_or(made, "max_parallel_trials", 0);
    tuner->max_retries_per_trial = json_integer_or(made, "max_retries_per_trial", 0);
    tuner->max_consecutive_failed_trials =
        json_integer_or(made, "max_consecutive_failed_trials", 3);
    tuner->max_duration_s = json_number_or(made, "max_duration_s", 0);
    tuner->target_value = json_number_or(made, "target_value", NAN);
    tuner->num_initial_points = json_integer_or(made, "num_initial_points", 0);
    tuner->alpha = json_number_or(made, "alpha", 1e-4);
    tuner->beta = json_number_or(made, "beta", 2.6);
    tuner->sampler = strcmp(json_string_or(made, "sampler", "model"), "random") == 0
                         ? SAMPLER_RANDOM
                         : SAMPLER_MODEL;
    tuner->asha_promotion = strcmp(json_string_or(made, "variant", "promotion"), "promotion") == 0;
    tuner->early_stopping = strcmp(stopping, "median") == 0  ? STOP_MEDIAN
                            : strcmp(stopping, "curve") == 0 ? STOP_CURVE
                                                             : STOP_NEVER;
    read_epochs(parser, made, spec);
    read_objectives(parser, json_member(made, "objective"), tuner);
    read_warm_start(parser, json_member(made, "warm_start_from"), tuner);
}

void spec_read_tuner(struct spec_parser *parser, const cJSON *tuner, struct study_spec *spec)
{
    const struct taker t = {.faults = parser->faults};
    cJSON *item, *made;

    if (!cJSON_IsObject(tuner)) {
        fault(parser->faults, E_TYPE, "/tuner", "tuner must be an object");
        return;
    }
    if (!(item = cJSON_Duplicate(tuner, true)) ||
        (!json_member(item, "type") && !cJSON_AddStringToObject(item, "type", "Auto"))) {
        cJSON_Delete(item);
        fault(parser->faults, E_MEMORY, "/tuner", "out of memory");
        return;
    }
    if ((made = take_entry(&t, CATALOGUE_TUNER, item, "/tuner")))
        read_arguments(parser, made, spec);
    cJSON_Delete(item);
    cJSON_Delete(made);
}
