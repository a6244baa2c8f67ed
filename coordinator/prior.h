// Earlier studies for a new one (warm_start_from): their completed trials, as far as their points lie in
// the new study's space.
#ifndef TUNERD_COORDINATOR_PRIOR_H
#define TUNERD_COORDINATOR_PRIOR_H

#include "coordinator/study/tape.h"

// Fills tape->history.prior from the store, with what had ended before `created_ms`, so that a restart
// reads the same: to be called when the study itself is stored, and with it all that was before it. Studies that are not there any more are left out, with a line in the log.
void prior_load(const char *state_dir, const struct study_spec *spec, int64_t created_ms,
                struct tape *tape);

#endif
