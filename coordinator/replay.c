// The study is read back decision by decision; before each, the orders whose basis is exactly what the
// search knows by then are given again.

#include "coordinator/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"
#include "coordinator/prior.h"
#include "coordinator/store/store.h"
#include "coordinator/study/study.h"

struct player {
    struct study_spec spec;
    struct study *study;
    int n, cap;
    struct decision_row *decisions; // with their texts
    struct replay *result;
};

// ---- reading

static enum code read_study(void *context, const void *data, struct error *err)
{
    struct player *player = context;
    const struct study_row *row = data;
    struct faults faults;
    cJSON *document = json_read(row->document, strlen(row->document), NULL, err);
    if (!document)
        return E_STORE;
    faults_init(&faults);
    enum code code = study_spec_parse(document, &player->spec, &faults);
    if (code)
        code = fail(err, E_STORE, "", "the stored document does not hold: %s",
                    faults.count ? faults.items[0].message : "?");
    else
        code = study_restore(row, &player->spec, &player->study, err);
    faults_fini(&faults);
    cJSON_Delete(document);
    return code;
}

static enum code read_trial(void *context, const void *row, struct error *err)
{
    return study_restore_trial(((struct player *)context)->study, row, err);
}

static enum code read_execution(void *context, const void *row, struct error *err)
{
    return study_restore_execution(((struct player *)context)->study, row, err);
}

static enum code read_epoch(void *context, const void *row, struct error *err)
{
    return study_restore_epoch(((struct player *)context)->study, row, err);
}

static enum code read_decision(void *context, const void *data, struct error *err)
{
    (void)err;
    struct player *player = context;
    player->decisions =
        alloc_more(player->decisions, player->n, &player->cap, sizeof *player->decisions);
    struct decision_row *row = &player->decisions[player->n++];
    *row = *(const struct decision_row *)data;
    row->kind = alloc_text(row->kind);
    row->state = alloc_text(row->state);
    return OK;
}

static enum code read_all(sqlite3 *db, const char *name, struct player *player, struct error *err)
{
    static const struct {
        enum row_table table;
        const char *order;
        store_each each;
    } loads[] = {
        {ROW_TRIAL, "number", read_trial},
        {ROW_EXECUTION, "trial, execution, attempt", read_execution},
        {ROW_EPOCH, "trial, execution, attempt, epoch", read_epoch},
        {ROW_DECISION, "seq", read_decision},
    };
    char *where = alloc_sure(sqlite3_mprintf("WHERE name = %Q", name));
    enum code code = store_load(db, ROW_STUDY, where, read_study, player, err);
    sqlite3_free(where);
    if (!code && !player->study)
        code = fail(err, E_NOT_FOUND, "", "there is no study \"%.200s\"", name);
    for (size_t i = 0; i < sizeof loads / sizeof *loads && !code; i++) {
        char *rest = alloc_format("WHERE study_id = %lld ORDER BY %s", (long long)player->study->id,
                                  loads[i].order);
        code = store_load(db, loads[i].table, rest, loads[i].each, player, err);
        free(rest);
    }
    return code;
}

// ---- playing

static bool same_point(const struct player *player, const struct decision_row *row,
                       const struct proposal *proposal)
{
    const struct space *space = &player->spec.space;
    if (proposal->continues)
        return proposal->parent == row->trial;
    if (proposal->parent >= 0)
        return space_equal(space, player->study->trials[proposal->parent]->values,
                           player->study->trials[row->trial]->values);
    struct value *values = alloc_zero((size_t)space->n, sizeof *values);
    space_from_unit(space, proposal->unit, values);
    bool same = space_equal(space, values, player->study->trials[row->trial]->values);
    free(values);
    return same;
}

static void judge(struct player *player, const struct decision_row *row,
                  const struct proposal *proposals, int n)
{
    struct replay *result = player->result;
    result->given++;
    if (row->basis_index < n && same_point(player, row, &proposals[row->basis_index])) {
        result->agree++;
        return;
    }
    if (result->first)
        return;
    result->first = row->seq;
    snprintf(
        result->differs, sizeof result->differs,
        "decision %lld gave trial %lld, suggestion %lld of %lld after %lld decisions; computed "
        "again it is %s",
        (long long)row->seq, (long long)row->trial, (long long)row->basis_index + 1,
        (long long)row->basis_count, (long long)row->basis_seq,
        row->basis_index < n ? "another point" : "not among the suggestions");
}

static bool is_due(const struct decision_row *row, int64_t known)
{
    return strcmp(row->kind, "given") == 0 && row->basis_count > 0 && row->basis_seq == known;
}

// All orders that were given when the search knew `known` decisions; as a rule one.
static void ask_again(struct player *player, int from, int64_t known)
{
    struct tape *tape = &player->study->tape;
    struct proposal *proposals = NULL;
    int64_t now = tape->history.max_trials;
    int n = 0, count = 0;
    for (int i = from; i < player->n; i++) {
        const struct decision_row *row = &player->decisions[i];
        if (!is_due(row, known))
            continue;
        int64_t max_trials = row->basis_max_trials == ROW_NULL ? now : row->basis_max_trials;
        if (!proposals || count != row->basis_count || max_trials != tape->history.max_trials) {
            struct rng rng;
            count = (int)row->basis_count;
            tape->history.max_trials = max_trials;
            free(proposals);
            proposals = alloc_zero((size_t)count, sizeof *proposals);
            rng_init(&rng, player->spec.seed, (uint64_t)known);
            tape->search.ops->ask(tape->search.state, &tape->history, &rng, count, proposals, &n);
        }
        judge(player, row, proposals, n);
    }
    tape->history.max_trials = now;
    free(proposals);
}

static enum code play(struct player *player, struct error *err)
{
    enum code code = OK;
    for (int i = 0; i < player->n && !code; i++) {
        const struct decision_row *row = &player->decisions[i];
        struct decision decision;
        ask_again(player, i, row->seq - 1);
        player->result->by_others += strcmp(row->kind, "given") == 0 && row->basis_count == 0;
        code = study_restore_decision(player->study, row, &decision, err);
    }
    return code;
}

enum code replay_study(const char *state_dir, const char *name, struct replay *out,
                       struct error *err)
{
    sqlite3 *db = NULL;
    struct player player = {.result = out};
    *out = (struct replay){0};
    enum code code = store_reader_open(state_dir, &db, err);
    if (code)
        return code;
    code = read_all(db, name, &player, err);
    store_reader_close(db);
    if (!code) {
        prior_load(state_dir, &player.spec, player.study->created_ms, &player.study->tape);
        code = play(&player, err);
    }
    for (int i = 0; i < player.n; i++) {
        free((char *)player.decisions[i].kind);
        free((char *)player.decisions[i].state);
    }
    free(player.decisions);
    study_free(player.study);
    study_spec_fini(&player.spec);
    return code;
}
