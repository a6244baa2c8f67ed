// A study's state machine alone: events go in, effects are looked at, and the search answers when a test
// lets it.
#ifndef TUNERD_TESTS_STUDY_RIG_H
#define TUNERD_TESTS_STUDY_RIG_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/study/study.h"
#include "tests/test.h"

struct rig {
    struct study_spec spec;
    struct study *study;
    struct effects fx;
    struct moment now;
    struct tape advisor; // what the search is told, in order
    bool asked;
    int64_t basis_seq;
    int count;
    int stops, prunes;
};

// ---- the rig

static inline void carry_out(struct rig *rig)
{
    const struct study *study = rig->study;
    for (int i = 0; i < rig->fx.n; i++) {
        const struct effect *effect = &rig->fx.items[i];
        if (effect->kind == EFFECT_ASK) {
            rig->asked = true;
            rig->basis_seq = effect->basis_seq;
            rig->count = effect->count;
            assert_true(rig->count >= 1);
        } else if (effect->kind == EFFECT_STOP_JOB) {
            rig->stops += !effect->prune;
            rig->prunes += effect->prune;
        } else if (effect->kind == EFFECT_DECISION) {
            const struct trial *trial = study->trials[effect->decision.trial];
            int epochs = effect->decision.epochs;
            if (effect->decision.told)
                tape_told(&rig->advisor, &effect->decision, trial->curve,
                          trial->ncurve < epochs ? trial->ncurve : epochs);
            else
                tape_given(&rig->advisor, &effect->decision,
                           &(struct tape_point){trial->values, trial->bracket, trial->round,
                                                trial->parent, trial->own});
        }
    }
    rig->fx.n = 0;
}

// The search answers the order that is out.
static inline void advise(struct rig *rig)
{
    if (!rig->asked)
        return;
    rig->asked = false;
    struct proposal *proposals = calloc((size_t)rig->count, sizeof *proposals);
    struct suggestion *points = calloc((size_t)rig->count, sizeof *points);
    struct rng rng;
    int n = 0;
    assert_true(proposals && points);
    rng_init(&rng, rig->spec.seed, (uint64_t)rig->basis_seq);
    enum ask_status status = rig->advisor.search.ops->ask(
        rig->advisor.search.state, &rig->advisor.history, &rng, rig->count, proposals, &n);
    for (int i = 0; i < n; i++) {
        points[i] = (struct suggestion){
            .values = calloc((size_t)rig->spec.space.n, sizeof *points[i].values),
            .epochs = proposals[i].epochs,
            .initial_epoch = proposals[i].initial_epoch,
            .continues = proposals[i].continues,
            .parent = proposals[i].parent,
            .bracket = proposals[i].bracket,
            .round = proposals[i].round,
            .executions = proposals[i].executions,
            .index = i};
        snprintf(points[i].how, sizeof points[i].how, "%s", proposals[i].how);
        snprintf(points[i].why, sizeof points[i].why, "%s", proposals[i].why);
        space_from_unit(&rig->spec.space, proposals[i].unit, points[i].values);
    }
    struct terms terms = {rig->basis_seq, rig->count, rig->advisor.history.max_trials};
    study_propose(rig->study, &terms, status, points, n, rig->now, &rig->fx);
    for (int i = 0; i < n; i++)
        free(points[i].values);
    free(points);
    free(proposals);
    carry_out(rig);
}

static const char parameters_study[] =
    "{\"name\": \"s\", \"seed\": 3, \"parameters\": [{\"hp\": \"Float\", \"name\": \"x\","
    " \"min_value\": 0.0, \"max_value\": 1.0}], \"tuner\": {%s}}";
static const char model_study[] =
    "{\"name\": \"s\", \"seed\": 3, \"dataset\": {\"name\": \"blobs\"}, \"model\": {\"layers\": ["
    "{\"type\": \"Dense\", \"units\": {\"hp\": \"Int\", \"name\": \"u\", \"min_value\": 1,"
    " \"max_value\": %d}}, {\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]},"
    " \"compile\": {\"optimizer\": \"Adam\", \"loss\": \"sparse_categorical_crossentropy\","
    " \"metrics\": [\"accuracy\"]}, \"fit\": {\"epochs\": %d}, \"tuner\": {%s}}";

static inline struct rig *start(const char *text)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct error err;
    struct faults faults;
    assert_non_null(rig);
    faults_init(&faults);
    cJSON *json = json_read(text, strlen(text), NULL, &err);
    if (!json)
        fail_msg("%s: %s", err.message, text);
    if (study_spec_parse(json, &rig->spec, &faults))
        fail_msg("%s at %s", faults.items[0].message, faults.items[0].pointer);
    cJSON_Delete(json);
    faults_fini(&faults);
    rig->now = (struct moment){100, 1800000000000};
    assert_int_equal(tape_init(&rig->advisor, &rig->spec, &err), OK);
    assert_int_equal(study_create(1, &rig->spec, rig->now, &rig->fx, &rig->study, &err), OK);
    carry_out(rig);
    study_set_capacity(rig->study, 4, rig->now, &rig->fx);
    carry_out(rig);
    advise(rig);
    return rig;
}

static inline struct rig *model(int points, int epochs, const char *tuner)
{
    char text[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, model_study, points, epochs, tuner);
#pragma GCC diagnostic pop
    return start(text);
}

static inline struct rig *parameters(const char *tuner)
{
    char text[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, parameters_study, tuner);
#pragma GCC diagnostic pop
    return start(text);
}

static inline void finish(struct rig *rig)
{
    study_free(rig->study);
    tape_fini(&rig->advisor);
    effects_fini(&rig->fx);
    study_spec_fini(&rig->spec);
    free(rig);
}

struct run {
    int trial, execution, attempt;
};

static inline enum study_offer take_when(struct rig *rig, bool late, struct run *run)
{
    enum study_offer offer =
        study_take(rig->study, "w", late, rig->now, &rig->fx, &run->trial, &run->execution);
    if (offer == OFFER_WORK)
        run->attempt = rig->study->trials[run->trial]->executions[run->execution].attempt;
    carry_out(rig);
    return offer;
}

static inline enum study_offer take(struct rig *rig, struct run *run)
{
    return take_when(rig, false, run);
}

static inline struct run must_take(struct rig *rig)
{
    struct run run;
    advise(rig);
    assert_int_equal(take(rig, &run), OFFER_WORK);
    return run;
}

static inline enum study_verdict epoch(struct rig *rig, struct run run, int number, double accuracy)
{
    cJSON *metrics = cJSON_CreateObject();
    if (isnan(accuracy))
        cJSON_AddNullToObject(metrics, "accuracy");
    else
        cJSON_AddNumberToObject(metrics, "accuracy", accuracy);
    cJSON_AddNumberToObject(metrics, "loss", 1 - accuracy);
    enum study_verdict verdict = study_epoch(rig->study, run.trial, run.execution, run.attempt,
                                             number, metrics, rig->now, &rig->fx);
    carry_out(rig);
    cJSON_Delete(metrics);
    return verdict;
}

static inline enum study_verdict result(struct rig *rig, struct run run, enum execution_state state)
{
    enum study_verdict verdict = study_result(rig->study, run.trial, run.execution, run.attempt,
                                              state, 0, "it fell", rig->now, &rig->fx);
    carry_out(rig);
    advise(rig);
    return verdict;
}

static inline void complete(struct rig *rig, struct run run, double accuracy)
{
    assert_int_equal(epoch(rig, run, 1, accuracy), VERDICT_APPLIED);
    assert_int_equal(result(rig, run, EXECUTION_COMPLETED), VERDICT_APPLIED);
}

static inline void lose(struct rig *rig, struct run run)
{
    study_lose(rig->study, run.trial, run.execution, run.attempt, rig->now, &rig->fx);
    carry_out(rig);
}

static inline void do_it(struct rig *rig,
                         enum code (*act)(struct study *, struct moment, struct effects *,
                                          struct error *),
                         enum code expected)
{
    struct error err = {0};
    assert_int_equal(act(rig->study, rig->now, &rig->fx, &err), expected);
    carry_out(rig);
    advise(rig);
}

static inline void patch_max_trials(struct rig *rig, int64_t max_trials, enum code expected)
{
    struct study_patch patch = {.has_max_trials = true, .max_trials = max_trials};
    struct error err = {0};
    assert_int_equal(study_apply_patch(rig->study, &patch, rig->now, &rig->fx, &err), expected);
    rig->advisor.history.max_trials = rig->study->max_trials;
    carry_out(rig);
    advise(rig);
}

#define RANDOM "\"type\": \"RandomSearch\", \"objective\": \"accuracy\""

#endif
