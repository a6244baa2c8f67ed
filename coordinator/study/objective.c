// An expression is compiled once; its variables are bound to slots that each epoch fills.

#include "coordinator/study/objective.h"

#include <math.h>
#include <muParserDLL.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"

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
    bool overflow;
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
    variable->name = alloc_text(name);
    variable->value = 1;
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
    return code;
}

enum code objective_new(const struct study_spec *spec, struct objective_meter **out,
                        struct error *err)
{
    const struct tuner_spec *tuner = &spec->tuner;
    struct objective_meter *meter = alloc_zero(1, sizeof *meter);
    enum code code = OK;
    if (tuner->nobjectives == 1 && tuner->objectives[0].expression) {
        code = compile(meter, tuner->objectives[0].expression, err);
    } else {
        meter->n = tuner->nobjectives;
        meter->names = alloc_zero((size_t)meter->n, sizeof *meter->names);
        meter->directions = alloc_zero((size_t)meter->n, sizeof *meter->directions);
        for (int i = 0; i < meter->n; i++) {
            meter->names[i] = alloc_text(tuner->objectives[i].name);
            meter->directions[i] = tuner->objectives[i].direction;
        }
    }
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

enum direction objective_direction(const struct study_spec *spec)
{
    return spec->tuner.nobjectives == 1 ? spec->tuner.objectives[0].direction : MINIMIZE;
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
