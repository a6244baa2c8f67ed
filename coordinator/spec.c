#include "coordinator/spec.h"

#include <stdlib.h>

#include "coordinator/alloc.h"

struct spec *spec_new(struct study_spec *inside)
{
    struct spec *spec = alloc_zero(1, sizeof *spec);
    spec->spec = *inside;
    *inside = (struct study_spec){0};
    atomic_init(&spec->holders, 1);
    return spec;
}

struct spec *spec_hold(struct spec *spec)
{
    atomic_fetch_add(&spec->holders, 1);
    return spec;
}

void spec_release(struct spec *spec)
{
    if (!spec || atomic_fetch_sub(&spec->holders, 1) > 1)
        return;
    study_spec_fini(&spec->spec);
    free(spec);
}
