// Trained weights: which are taken from workers, and which are kept. Of each study those of the
// core->models_kept best completed trials, one execution each; while a trial runs, what its executions
// have left so far.
//
// The weights are of the epoch at which the objective was best: the worker finds it as the study does, and
// here only those of the epoch the study itself knows as the best one are taken.

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/safetensors.h"
#include "coordinator/alloc.h"
#include "coordinator/dispatch/uploads.h"

#define MODEL_MAX (INT64_C(1) << 30)

static int64_t parameters_of(struct core *core, const struct held_study *held, int trial)
{
    struct error err = {0};
    int64_t parameters = 0;
    if (job_parameters(core, held, trial, &parameters, &err) != OK)
        log_event(LOG_LEVEL_WARNING, "parameters_unknown", "study=%s trial=%d %s",
                  held->spec->spec.name, trial, err.message);
    return parameters;
}

static int64_t most_of_model(struct core *core, const struct held_study *held,
                             const struct lease *lease, int epoch)
{
    const struct study *study = held->study;
    const struct trial *trial = study->trials[lease->key.trial];
    const struct execution *execution = &trial->executions[lease->key.execution];
    if (epoch != execution->best_epoch || epoch <= execution->base_epochs ||
        study_rank(study, trial->number, trial->nexecutions, execution->best) >= core->models_kept)
        return 0;
    int64_t numbers = parameters_of(core, held, lease->key.trial);
    if (numbers < 1 || numbers > (MODEL_MAX - SAFETENSORS_HEADER_MAX) / 4)
        return 0;
    return numbers * 4 + SAFETENSORS_HEADER_MAX;
}

static bool read_at_start(int fd, void *bytes, size_t len)
{
    ssize_t n;
    do
        n = pread(fd, bytes, len, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

// That it is a file of weights and has as many as the trial's model.
static enum code check(struct core *core, const struct held_study *held,
                       const struct upload *upload, struct error *err)
{
    unsigned char start[8], *header;
    int64_t numbers = 0;
    size_t len = upload->size >= 8 && read_at_start(upload->fd, start, sizeof start)
                     ? safetensors_header_length(start)
                     : 0;
    if (len == 0 || (int64_t)len > upload->size)
        return fail(err, E_INVALID, "", "it is no safetensors file");
    header = alloc_zero(1, len);
    enum code code = read_at_start(upload->fd, header, len)
                         ? safetensors_check(header, len, upload->size, &numbers, err)
                         : fail(err, E_IO, "", "it cannot be read");
    free(header);
    int64_t wanted = parameters_of(core, held, upload->key.trial);
    if (code == OK && numbers != wanted)
        code = fail(err, E_INVALID, "", "it has %lld weights and the model %lld",
                    (long long)numbers, (long long)wanted);
    return code;
}

static bool is_same(const struct model_entry *entry, int trial, int execution, int attempt)
{
    return entry->trial == trial && entry->execution == execution && entry->attempt == attempt;
}

void models_know(struct held_study *held, const struct model_row *row)
{
    int i = 0;
    while (i < held->nmodels &&
           !is_same(&held->models[i], (int)row->trial, (int)row->execution, (int)row->attempt))
        i++;
    if (i == held->nmodels) {
        held->models =
            alloc_more(held->models, held->nmodels, &held->models_cap, sizeof *held->models);
        held->nmodels++;
    }
    held->models[i] = (struct model_entry){(int)row->trial, (int)row->execution, (int)row->attempt,
                                           (int)row->epoch, row->objective};
    held->models_due = true;
}

static enum code keep_model(struct core *core, struct held_study *held, const struct upload *upload,
                            struct error *err)
{
    const struct lease_key key = upload->key;
    enum code code = check(core, held, upload, err);
    if (code != OK)
        return code;
    struct model_row row = {
        held->id,       key.trial,
        key.execution,  upload->attempt,
        upload->epoch,  held->study->trials[key.trial]->executions[key.execution].best,
        upload->sha256, upload->size};
    core_put(core, ROW_PUT, ROW_MODEL, &row);
    models_know(held, &row);
    return OK;
}

const struct upload_kind upload_model = {".model", most_of_model, keep_model};

// ---- what is kept

// Of the same trial, a better one; of equal ones the first.
static bool has_better(const struct held_study *held, const struct model_entry *entry)
{
    bool maximise = held->study->direction == MAXIMIZE;
    for (int i = 0; i < held->nmodels; i++) {
        const struct model_entry *other = &held->models[i];
        bool better =
            maximise ? other->objective > entry->objective : other->objective < entry->objective;
        if (other->trial == entry->trial &&
            (better || (other < entry && other->objective == entry->objective)))
            return true;
    }
    return false;
}

static bool is_kept(const struct core *core, const struct held_study *held,
                    const struct model_entry *entry)
{
    const struct study *study = held->study;
    const struct trial *trial = study->trials[entry->trial];
    const struct execution *execution = &trial->executions[entry->execution];
    if (entry->attempt < execution->attempt && entry->epoch > execution->base_epochs)
        return false; // of an attempt that was lost: another has taken its work up
    if (!trial_state_ended(trial->state))
        return true;
    return trial->state == TRIAL_COMPLETED && isfinite(trial->score) &&
           study_rank(study, trial->number, trial->scored, trial->score) < core->models_kept &&
           !has_better(held, entry);
}

// First what goes is found, then it goes: which is better does not depend on what went before.
void models_settle(struct core *core, struct held_study *held)
{
    bool *kept = alloc_zero((size_t)held->nmodels + 1, sizeof *kept);
    int n = 0;
    held->models_due = false;
    for (int i = 0; i < held->nmodels; i++)
        kept[i] = is_kept(core, held, &held->models[i]);
    for (int i = 0; i < held->nmodels; i++) {
        const struct model_entry *entry = &held->models[i];
        struct model_row row = {.study_id = held->id,
                                .trial = entry->trial,
                                .execution = entry->execution,
                                .attempt = entry->attempt};
        if (kept[i])
            held->models[n++] = *entry;
        else
            core_put(core, ROW_DELETE, ROW_MODEL, &row);
    }
    held->nmodels = n;
    free(kept);
}
