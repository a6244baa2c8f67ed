#include "coordinator/search/plain.h"

#include "coordinator/search/stopping.h"

enum code plain_init(void *state, const struct study_spec *spec, struct error *err)
{
    (void)err;
    ((struct plain *)state)->spec = spec;
    return OK;
}

void plain_fini(void *state)
{
    struct plain *plain = state;
    told_fini(&plain->told);
    slate_fini(&plain->slate);
}

void plain_given(void *state, const struct history *history, int index)
{
    (void)state;
    (void)history;
    (void)index;
}

void plain_tell(void *state, const struct history *history, int index)
{
    told_add(&((struct plain *)state)->told, &history->trials[index], index);
}

bool plain_report(void *state, const struct history *history, int index, int epoch, double loss)
{
    const struct study_spec *spec = ((struct plain *)state)->spec;
    return stopping_rules_out(spec, history, index, epoch, loss);
}

int64_t plain_planned(const void *state)
{
    (void)state;
    return -1;
}
