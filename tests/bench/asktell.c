// A search behind stdin and stdout, so that objectives written in other languages can drive it.
//   in:  {"type": "BayesianOptimization", "seed": 1, "max_trials": 100, "parameters": [{"hp": …}, …]}
//   in:  ask              out: {"number": 0, "hyperparameters": {…}} or {"done": "…"}
//   in:  tell 0 0.25      a loss, smaller is better; "nan": the trial failed      out: {}
// At the end of the input: {"cpu": seconds}

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/space_build.h"
#include "coordinator/search/search.h"

struct session {
    struct study_spec spec;
    struct search search;
    struct history history;
    struct search_trial *trials;
    struct value *values;
    double cpu;
};

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool begin(struct session *s, const char *line)
{
    struct error err = {0};
    struct faults faults;
    cJSON *head = json_read(line, strlen(line), NULL, &err);
    faults_init(&faults);
    bool good = head && space_from_parameters(json_member(head, "parameters"), "/parameters",
                                              &s->spec.space, &faults) == OK;
    if (!good) {
        fprintf(stderr, "%s\n", head ? faults.items[0].message : err.message);
    } else {
        struct tuner_spec *tuner = &s->spec.tuner;
        s->spec.seed = (uint64_t)json_integer_or(head, "seed", 1);
        tuner->max_trials = json_integer_or(head, "max_trials", 100);
        tuner->executions_per_trial = 1;
        snprintf(tuner->type, sizeof tuner->type, "%s",
                 json_string_or(head, "type", "BayesianOptimization"));
        s->trials = calloc((size_t)tuner->max_trials + 1, sizeof *s->trials);
        s->values = calloc((size_t)s->spec.space.n + 1, sizeof *s->values);
        s->history = (struct history){
            .space = &s->spec.space, .trials = s->trials, .max_trials = tuner->max_trials};
        good = s->trials && s->values && search_new(&s->search, &s->spec, &err) == OK;
        if (!good)
            fprintf(stderr, "%s\n", err.message);
    }
    faults_fini(&faults);
    cJSON_Delete(head);
    return good;
}

static void answer_ask(struct session *s)
{
    struct proposal p;
    struct rng rng;
    int count = 0, i = s->history.n, n = s->spec.space.n;

    rng_init(&rng, s->spec.seed, (uint64_t)(1000 + i));
    if (i < s->spec.tuner.max_trials)
        s->search.ops->ask(s->search.state, &s->history, &rng, 1, &p, &count);
    if (count == 0) {
        printf("{\"done\": true}\n");
        return;
    }
    s->trials[i] = (struct search_trial){.number = i, .loss = NAN, .own = true, .source = -1};
    s->trials[i].bracket = s->trials[i].round = s->trials[i].parent = -1;
    s->trials[i].unit = calloc((size_t)n + 1, sizeof(double));
    space_from_unit(&s->spec.space, p.unit, s->values);
    space_to_unit(&s->spec.space, s->values, s->trials[i].unit);
    s->history.n++;
    s->search.ops->given(s->search.state, &s->history, i);
    cJSON *object = space_values_to_json(&s->spec.space, s->values);
    char *text = json_write(object);
    printf("{\"number\": %d, \"hyperparameters\": %s}\n", i, text);
    free(text);
    cJSON_Delete(object);
}

static void answer_tell(struct session *s, const char *line)
{
    char *end;
    long i = strtol(line, &end, 10);
    double loss = strtod(end, NULL);
    if (i < 0 || i >= s->history.n || s->trials[i].state != SEARCH_RUNNING) {
        printf("{\"error\": \"no running trial %ld\"}\n", i);
        return;
    }
    s->trials[i].state = isfinite(loss) ? SEARCH_COMPLETED : SEARCH_FAILED;
    s->trials[i].loss = loss;
    s->trials[i].executions = 1;
    s->search.ops->tell(s->search.state, &s->history, (int)i);
    printf("{}\n");
}

int main(void)
{
    struct session s = {0};
    char *line = NULL;
    size_t room = 0;
    bool begun = false;

    while (getline(&line, &room, stdin) > 0) {
        double start = cpu_now();
        if (!begun && !(begun = begin(&s, line)))
            return 1;
        if (strncmp(line, "ask", 3) == 0)
            answer_ask(&s);
        else if (strncmp(line, "tell ", 5) == 0)
            answer_tell(&s, line + 5);
        s.cpu += cpu_now() - start;
        fflush(stdout);
    }
    printf("{\"cpu\": %.3f}\n", s.cpu);
    for (int i = 0; i < s.history.n; i++)
        free(s.trials[i].unit);
    search_free(&s.search);
    space_fini(&s.spec.space);
    free(s.trials);
    free(s.values);
    free(line);
    return 0;
}
