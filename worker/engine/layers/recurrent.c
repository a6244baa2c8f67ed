// The time loop of recurrent layers.
#include "worker/engine/layers/recurrent.h"

#include <string.h>

static enum code add_params(struct layer *l, struct recurrent *r, const cJSON *config,
                            struct error *err)
{
    static const struct {
        const char *name, *fallback;
    } inits[] = {{"kernel_initializer", "glorot_uniform"},
                 {"recurrent_initializer", "orthogonal"},
                 {"bias_initializer", "zeros"}};
    const int64_t columns = (int64_t)(r->gates * r->units);
    const bool forget = json_bool_or(config, "unit_forget_bias", false);
    int kind[3];
    char pointer[64];

    for (int i = 0; i < 3; i++) {
        kind[i] = initializer_find(json_string_or(config, inits[i].name, inits[i].fallback));
        pointer[0] = '/';
        strncpy(pointer + 1, inits[i].name, sizeof(pointer) - 2);
        if (kind[i] < 0)
            return fail(err, E_UNKNOWN, pointer, "unknown initializer");
    }
    layer_param(l, "kernel", 2, (int64_t[]){(int64_t)r->inputs, columns}, (enum initializer)kind[0])
        ->regularizer = layer_regularizer(config, "kernel_regularizer");
    layer_param(l, "recurrent_kernel", 2, (int64_t[]){(int64_t)r->units, columns},
                (enum initializer)kind[1])
        ->regularizer = layer_regularizer(config, "recurrent_regularizer");
    if (!r->use_bias)
        return OK;
    r->bias = l->nparams;
    if (r->reset_after)
        layer_param(l, "bias", 2, (int64_t[]){2, columns}, (enum initializer)kind[2]);
    else
        layer_param(l, "bias", 1, &columns,
                    forget && r->gates == 4 ? INIT_FORGET_BIAS : (enum initializer)kind[2]);
    l->params[r->bias].regularizer = layer_regularizer(config, "bias_regularizer");
    return OK;
}

// The backward has y only, and steps are not rows.
static bool usable(const struct activation *f)
{
    return f && !f->needs_input && f->kind != ACT_SOFTMAX;
}

enum code recurrent_init(struct layer *l, const cJSON *config, const struct cell_ops *cell,
                         struct error *err)
{
    struct recurrent *r = l->state;
    const int64_t units = json_integer_or(config, "units", 0);

    if (units < 1 || units > 1 << 20)
        return fail(err, E_RANGE, "/units", "units must be a whole number of 1 or more");
    if (l->in.rank != 2)
        return fail(
            err, E_INVALID, "",
            "its input must have the shape (steps, features); put a Reshape or an Embedding "
            "before it, or return_sequences in the layer before");
    r->cell = cell;
    r->gates = cell->gates;
    r->steps = (size_t)l->in.dim[0];
    r->inputs = (size_t)l->in.dim[1];
    r->units = (size_t)units;
    r->f = activation_find(json_string_or(config, "activation", "tanh"));
    r->gate = activation_find(json_string_or(config, "recurrent_activation", "sigmoid"));
    if (!usable(r->f) || !usable(r->gate))
        return fail(err, E_INVALID, usable(r->f) ? "/recurrent_activation" : "/activation",
                    "recurrent layers take linear, relu, leaky_relu, elu, selu, sigmoid, "
                    "hard_sigmoid, tanh or softplus");
    const double dropout = json_number_or(config, "dropout", 0);
    const double state_dropout = json_number_or(config, "recurrent_dropout", 0);

    if (!(dropout >= 0 && dropout < 1) || !(state_dropout >= 0 && state_dropout < 1))
        return fail(err, E_RANGE, dropout >= 0 && dropout < 1 ? "/recurrent_dropout" : "/dropout",
                    "a share to drop must be 0 or more and below 1");
    r->dropout = layer_rate(dropout);
    r->recurrent_dropout = layer_rate(state_dropout);
    r->input_masks = state_dropout > 0 ? r->gates : 1;
    r->use_bias = json_bool_or(config, "use_bias", true);
    r->sequences = json_bool_or(config, "return_sequences", false);
    r->backwards = json_bool_or(config, "go_backwards", false);
    r->reset_after = r->gates == 3 && json_bool_or(config, "reset_after", true);
    l->out = (struct shape){.rank = 1, .dim = {units}};
    if (r->sequences)
        l->out = (struct shape){.rank = 2, .dim = {l->in.dim[0], units}};
    return add_params(l, r, config, err);
}

size_t recurrent_kept(const struct layer *l, size_t batch)
{
    const struct recurrent *r = l->state;
    const size_t plane = r->steps * batch * r->units, own = r->cell->own_dgates ? r->gates : 0;

    return real_padded(r->steps * batch * r->inputs) + real_padded(r->gates * plane) +
           real_padded(plane + batch * r->units) + real_padded(r->cell->extras * plane) +
           real_padded(own * plane) + recurrent_masks_kept(r, batch);
}

size_t recurrent_scratch(const struct layer *l, size_t batch)
{
    const struct recurrent *r = l->state;
    const size_t columns = r->gates * r->units;

    return real_padded(columns * r->inputs) + real_padded(columns * r->units) +
           2 * real_padded(batch * r->units) + real_padded(r->steps * batch * r->inputs) +
           recurrent_masks_scratch(r, batch);
}

static real *take(real **at, size_t numbers)
{
    real *taken = *at;

    *at += real_padded(numbers);
    return taken;
}

static void place(struct layer *l, const struct pass *pass)
{
    struct recurrent *r = l->state;
    const size_t b = pass->batch, plane = r->steps * b * r->units, columns = r->gates * r->units;
    real *keep = l->keep, *scratch = pass->scratch;

    r->x = take(&keep, r->steps * b * r->inputs);
    r->gates_at = take(&keep, r->gates * plane);
    r->h = take(&keep, plane + b * r->units);
    r->extra = take(&keep, r->cell->extras * plane);
    r->dgates = r->cell->own_dgates ? take(&keep, r->gates * plane) : r->gates_at;
    r->kernel_t = take(&scratch, columns * r->inputs);
    r->recurrent_t = take(&scratch, columns * r->units);
    r->dh = take(&scratch, b * r->units);
    r->dc = take(&scratch, b * r->units);
    r->dx = take(&scratch, r->steps * b * r->inputs);
    recurrent_masks_draw(l, pass, keep, scratch);
}

// The step in the input that is processed at time t.
static size_t input_step(const struct recurrent *r, size_t t)
{
    return r->backwards ? r->steps - 1 - t : t;
}

static struct step step_of(const struct layer *l, const struct pass *pass, size_t t)
{
    const struct recurrent *r = l->state;
    const size_t n = pass->batch * r->units, plane = r->steps * n;
    struct step s = {
        .k = pass->kernels,
        .t = t,
        .batch = pass->batch,
        .n = n,
        .h_before = r->h + t * n,
        .h = r->h + (t + 1) * n,
        .u = l->params[1].w,
        .u_t = r->recurrent_t,
        .bias = r->reset_after && r->use_bias ? l->params[r->bias].w + r->gates * r->units : NULL,
        .dh = r->dh,
        .dc = r->dc};

    for (size_t g = 0; g < r->gates; g++) {
        s.gate[g] = r->gates_at + g * plane + t * n;
        s.dgate[g] = r->dgates + g * plane + t * n;
    }
    for (size_t e = 0; e < r->cell->extras; e++)
        s.extra[e] = r->extra + e * plane + t * n;
    s.extra_before = t > 0 && r->cell->extras ? s.extra[0] - n : r->h; // h[0] is zeros
    return s;
}

void recurrent_add(const struct recurrent *r, const struct step *s, const real *h, int gate,
                   real *out)
{
    const real *mask = recurrent_state_mask(r, s->batch, (size_t)gate);

    s->k->gemm_nn(s->batch, r->units, r->units, recurrent_masked(r, 1, s->n, h, mask), r->units,
                  s->u + (size_t)gate * r->units, r->gates * r->units, out, r->units, true);
}

void recurrent_back(const struct recurrent *r, const struct step *s, const real *dz, int gate,
                    real *dh, bool add)
{
    const real *mask = recurrent_state_mask(r, s->batch, (size_t)gate);

    s->k->gemm_nn(s->batch, r->units, r->units, dz, r->units,
                  s->u_t + (size_t)gate * r->units * r->units, r->units, mask ? r->masked : dh,
                  r->units, mask ? false : add);
    if (mask)
        recurrent_unmask(1, s->n, r->masked, mask, dh, add);
}

// The inputs of all steps as a gate sees them.
static const real *inputs_of(const struct recurrent *r, size_t batch, size_t gate)
{
    return recurrent_masked(r, r->steps, batch * r->inputs, r->x,
                            recurrent_input_mask(r, batch, gate));
}

// x W + b for all steps, a gate at a time.
static void project(const struct layer *l, const struct pass *pass)
{
    const struct recurrent *r = l->state;
    const size_t rows = r->steps * pass->batch, columns = r->gates * r->units;

    for (size_t g = 0; g < r->gates; g++) {
        real *out = r->gates_at + g * rows * r->units;

        pass->kernels->gemm_nn(rows, r->units, r->inputs, inputs_of(r, pass->batch, g), r->inputs,
                               l->params[0].w + g * r->units, columns, out, r->units, false);
        if (r->use_bias)
            pass->kernels->act_forward[ACT_LINEAR](
                rows, r->units, l->params[r->bias].w + g * r->units, out, out, 0);
    }
}

void recurrent_forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    struct recurrent *r = l->state;
    const size_t b = pass->batch, d = r->inputs, u = r->units;

    place(l, pass);
    for (size_t t = 0; t < r->steps; t++)
        for (size_t i = 0; i < b; i++)
            memcpy(r->x + (t * b + i) * d, x + (i * r->steps + input_step(r, t)) * d,
                   d * sizeof(real));
    memset(r->h, 0, b * u * sizeof(real));
    project(l, pass);
    for (size_t t = 0; t < r->steps; t++) {
        const struct step s = step_of(l, pass, t);

        r->cell->forward(r, &s);
        for (size_t i = 0; r->sequences && i < b; i++)
            memcpy(y + (i * r->steps + t) * u, s.h + i * u, u * sizeof(real));
    }
    if (!r->sequences)
        memcpy(y, r->h + r->steps * b * u, b * u * sizeof(real));
}

// dx of all steps, a gate's share.
static void add_input_gradient(const struct recurrent *r, const struct pass *pass, const real *dz,
                               size_t g)
{
    const size_t d = r->inputs, rows = r->steps * pass->batch;
    const real *mask = recurrent_input_mask(r, pass->batch, g);

    pass->kernels->gemm_nn(rows, d, r->units, dz, r->units, r->kernel_t + g * r->units * d, d,
                           mask ? r->masked : r->dx, d, mask ? false : g > 0);
    if (mask)
        recurrent_unmask(r->steps, pass->batch * d, r->masked, mask, r->dx, g > 0);
}

// The gradients of kernel, recurrent kernel, bias and input from the gates' gradients of all steps.
static void gather_gradients(struct layer *l, const struct pass *pass, real *dx)
{
    const struct recurrent *r = l->state;
    const struct kernels *k = pass->kernels;
    const size_t b = pass->batch, u = r->units, d = r->inputs, rows = r->steps * b;
    const size_t columns = r->gates * u;

    for (size_t g = 0; g < r->gates; g++) {
        const real *dz = r->gates_at + g * rows * u, *recurrent = r->dgates + g * rows * u;
        // GRU without reset_after: the candidate's product is with r · h, kept in extra[0]
        const bool reset = r->cell->own_dgates && !r->reset_after && g == 2;
        const real *h;

        k->gemm_tn(d, u, rows, inputs_of(r, b, g), d, dz, u, l->params[0].g + g * u, columns,
                   false);
        h = recurrent_masked(r, r->steps, b * u, reset ? r->extra : r->h,
                             recurrent_state_mask(r, b, g));
        k->gemm_tn(u, u, rows, h, u, recurrent, u, l->params[1].g + g * u, columns, false);
        if (r->use_bias)
            k->column_sum(rows, u, dz, l->params[r->bias].g + g * u);
        if (r->use_bias && r->reset_after)
            k->column_sum(rows, u, recurrent, l->params[r->bias].g + columns + g * u);
        if (dx)
            add_input_gradient(r, pass, dz, g);
    }
    for (size_t t = 0; dx && t < r->steps; t++)
        for (size_t i = 0; i < b; i++)
            memcpy(dx + (i * r->steps + input_step(r, t)) * d, r->dx + (t * b + i) * d,
                   d * sizeof(real));
}

void recurrent_backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                        real *dy, real *dx)
{
    struct recurrent *r = l->state;
    const struct kernels *k = pass->kernels;
    const size_t b = pass->batch, u = r->units, columns = r->gates * u;

    (void)x, (void)y;
    place(l, pass);
    k->transpose(u, columns, l->params[1].w, columns, r->recurrent_t, u);
    if (dx)
        k->transpose(r->inputs, columns, l->params[0].w, columns, r->kernel_t, r->inputs);
    memset(r->dh, 0, b * u * sizeof(real));
    memset(r->dc, 0, b * u * sizeof(real));
    if (!r->sequences)
        memcpy(r->dh, dy, b * u * sizeof(real));
    for (size_t t = r->steps; t-- > 0;) {
        const struct step s = step_of(l, pass, t);

        for (size_t i = 0; r->sequences && i < b; i++)
            for (size_t c = 0; c < u; c++)
                r->dh[i * u + c] += dy[(i * r->steps + t) * u + c];
        r->cell->backward(r, &s);
    }
    gather_gradients(l, pass, dx);
}
