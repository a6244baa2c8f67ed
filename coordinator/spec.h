// A study document shared by the threads that use it: freed with its last holder.
#ifndef TUNERD_COORDINATOR_SPEC_H
#define TUNERD_COORDINATOR_SPEC_H

#include <stdatomic.h>

#include "common/study_spec.h"

struct spec {
    struct study_spec spec;
    atomic_int holders;
};

struct spec *spec_new(struct study_spec *spec); // takes its insides over; one holder
struct spec *spec_hold(struct spec *spec);
void spec_release(struct spec *spec);

#endif
