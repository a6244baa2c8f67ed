// An expression is compiled once; its variables are bound to slots that each epoch fills.

#include "common/objective.h"

#include <math.h>
#include <muParserDLL.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLES_MAX = 32 };

struct variable {
    char *name;
    muFloat_t value;
};

struct objective_meter {
    int n; // named objectives
    char **names;
    enum direction *directions;
    muParserHandle_t parser; // or an expression
    int nvariables;
    bool overflow, no_memory;
    struct variable variables[VARIABLES_MAX];
};

// muparser keeps the text of an error in one buffer for all.
static pthread_mutex_t error_text = PTHREAD_MUTEX_INITIALIZER;

static muFloat_t *make_variable(const muChar_t *name, void *context)
{
    struct objective_meter *meter = context;
    if (meter->nvariables == VARIABLES_MAX) {
        meter->overflow = true;
        return &meter->variables[0].value;
    }
    struct variable *variable = &meter->variables[meter->nvariables++];
    variable->name = strdup(name);
    variable->value = 1;
    meter->no_memory |= !variable->name;
    return &variable->value;
}

static enum code compile(struct objective_meter *meter, const char *expression, struct error *err)
{
    static const char pointer[] = "/tuner/objective/expression";
    meter->parser = mupCreate(muBASETYPE_FLOAT);
    if (!meter->parser)
        return fail(err, E_MEMORY, "", "out of memory for the objective");
    mupSetVarFactory(meter->parser, make_variable, meter);
    mupSetExpr(meter->parser, expression);
    mupEval(meter->parser);
    enum code code = OK;
    pthread_mutex_lock(&error_text);
    if (mupError(meter->parser))
        code = fail(err, E_SYNTAX, pointer, "%s", mupGetErrorMsg(meter->parser));
    pthread_mutex_unlock(&error_text);
    if (!code && meter->overflow)
        code = fail(err, E_LIMIT, pointer, "more than %d names in one expression", VARIABLES_MAX);
    if (!code && meter->no_memory)
        code = fail(err, E_MEMORY, "", "out of memory for the objective");
    return code;
}

static enum code copy_names(struct objective_meter *meter, const struct objective *list, int n,
                            struct error *err)
{
    meter->names = calloc((size_t)n, sizeof *meter->names); // NOLINT: an array of pointers
    meter->directions = calloc((size_t)n, sizeof *meter->directions);
    bool copied = meter->names && meter->directions;
    for (int i = 0; copied && i < n; i++) {
        meter->names[i] = strdup(list[i].name);
        meter->directions[i] = list[i].direction;
        meter->n = i + 1;
        copied = meter->names[i] != NULL;
    }
    return copied ? OK : fail(err, E_MEMORY, "", "out of memory for the objective");
}

enum code objective_new(const struct objective *list, int n, struct objective_meter **out,
                        struct error *err)
{
    struct objective_meter *meter = calloc(1, sizeof *meter);
    if (!meter)
        return fail(err, E_MEMORY, "", "out of memory for the objective");
    enum code code = n == 1 && list[0].expression ? compile(meter, list[0].expression, err)
                                                  : copy_names(meter, list, n, err);
    if (code) {
        objective_free(meter);
        return code;
    }
    *out = meter;
    return OK;
}

void objective_free(struct objective_meter *meter)
{
    if (!meter)
        return;
    if (meter->parser)
        mupRelease(meter->parser);
    for (int i = 0; i < meter->n; i++)
        free(meter->names[i]);
    for (int i = 0; i < meter->nvariables; i++)
        free(meter->variables[i].name);
    free(meter->names);
    free(meter->directions);
    free(meter);
}

enum direction objective_direction(const struct objective *list, int n)
{
    return n == 1 ? list[0].direction : MINIMIZE;
}

static double metric(const cJSON *metrics, const char *name)
{
    return json_number_or(metrics, name, NAN);
}

static double evaluate(struct objective_meter *meter, const cJSON *metrics, int64_t parameters)
{
    for (int i = 0; i < meter->nvariables; i++) {
        struct variable *variable = &meter->variables[i];
        if (strcmp(variable->name, "parameters") == 0)
            variable->value = parameters ? (double)parameters : NAN;
        else if (strcmp(variable->name, "epoch_seconds") == 0)
            variable->value =
                metric(metrics, "seconds") + json_number_or(metrics, "val_seconds", 0);
        else
            variable->value = metric(metrics, variable->name);
        if (isnan(variable->value)) // min() and the like would hide it
            return NAN;
    }
    double value = mupEval(meter->parser);
    return mupError(meter->parser) ? NAN : value;
}

static double sum(const struct objective_meter *meter, const cJSON *metrics)
{
    if (meter->n == 1)
        return metric(metrics, meter->names[0]);
    double value = 0;
    for (int i = 0; i < meter->n; i++) {
        double one = metric(metrics, meter->names[i]);
        value += meter->directions[i] == MAXIMIZE ? -one : one;
    }
    return value;
}

double objective_value(struct objective_meter *meter, const cJSON *metrics, int64_t parameters)
{
    double value = meter->parser ? evaluate(meter, metrics, parameters) : sum(meter, metrics);
    return isfinite(value) ? value : NAN;
}

bool objective_needs_parameters(const struct objective_meter *meter)
{
    for (int i = 0; i < meter->nvariables; i++)
        if (strcmp(meter->variables[i].name, "parameters") == 0)
            return true;
    return false;
}

static bool lacks(const cJSON *metrics, const char *name)
{
    return !json_member(metrics, name);
}

const char *objective_missing(const struct objective_meter *meter, const cJSON *metrics)
{
    for (int i = 0; i < meter->n; i++)
        if (lacks(metrics, meter->names[i]))
            return meter->names[i];
    for (int i = 0; i < meter->nvariables; i++) {
        const char *name = meter->variables[i].name;
        if (strcmp(name, "parameters") != 0 && strcmp(name, "epoch_seconds") != 0 &&
            lacks(metrics, name))
            return name;
    }
    return NULL;
}
