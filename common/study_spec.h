// A study document, parsed: validated whole (every fault named at once), its search space flattened,
// its defaults filled in, and turned into one concrete configuration per point.
#ifndef TUNERD_COMMON_STUDY_SPEC_H
#define TUNERD_COMMON_STUDY_SPEC_H

#include "common/space.h"

enum direction { MINIMIZE, MAXIMIZE };

struct objective {
    char *name;       // "val_accuracy"; NULL when `expression` is set
    char *expression; // over an epoch's metrics, parameters, epoch_seconds
    enum direction direction;
};

enum early_stopping { STOP_NEVER, STOP_MEDIAN, STOP_CURVE };
enum sampler { SAMPLER_RANDOM, SAMPLER_MODEL };

struct tuner_spec {
    char type[32]; // "Auto" when left out
    int nobjectives;
    struct objective *objectives; // more than one: their sum, maximised ones negated (KerasTuner)
    int64_t max_trials;           // -1: none given (Hyperband, GridSearch: as many as there are)
    int64_t executions_per_trial;
    int64_t max_parallel_trials; // 0: no limit
    int64_t max_retries_per_trial;
    int64_t max_consecutive_failed_trials;
    double max_duration_s; // 0: no limit
    double target_value;   // NaN: none
    // arguments of single algorithms
    int64_t num_initial_points; // 0: the algorithm's own default
    double alpha, beta;
    int64_t max_epochs; // 0: not an algorithm of rounds
    int64_t min_epochs, factor, hyperband_iterations;
    enum sampler sampler;
    bool asha_promotion; // ASHA `variant`: "promotion" (default) or "stopping"
    enum early_stopping early_stopping;
    int nwarm_start;
    char **warm_start_from;
};

struct study_spec {
    char *name;
    char *description; // may be NULL
    uint64_t seed;     // given, or drawn from the name's hash
    int64_t priority;
    cJSON *document; // as given
    char *dataset;   // NULL when the study has no model
    bool has_model;
    int64_t
        epochs; // fit.epochs (largest possible); under Hyperband and ASHA max_epochs; 0: not known
    struct space space;
    struct tuner_spec tuner;
};

// Parses and checks a document, which is copied. On a fault nothing is built and every fault is in
// `faults` (its pointer, and words that tell the mend). Release with study_spec_fini().
enum code study_spec_parse(const cJSON *document, struct study_spec *out, struct faults *faults);
void study_spec_fini(struct study_spec *spec);
// How often a trial is trained in all; what clients run is run once.
int study_spec_executions(const struct study_spec *spec);

// What of a registered data set a study can be checked against.
struct dataset_info {
    int64_t train_samples, test_samples;
    int rank; // of one sample
    int64_t shape[4];
    int64_t classes;     // 0: a regression target
    bool features_bytes; // 0..255 as they came
};
// The checks that need the data: labels against the last layer's units, shapes through the layers
// (a kernel larger than its image, Dense after …), parameters of the largest model against
// MODEL_PARAMETERS_MAX, no test part for validation_data "test". Same fault conventions.
enum { MODEL_PARAMETERS_MAX = 200000000 };
enum code study_spec_check_data(const struct study_spec *spec, const struct dataset_info *info,
                                struct faults *faults);

// The concrete configuration of one point, free of hyperparameters and normalised (repeat and switch
// expanded, every argument present with Keras' default): {"dataset", "model": {"layers": […]},
// "compile", "fit"}, what worker/engine runs. A new tree, the caller's.
cJSON *study_spec_resolve(const struct study_spec *spec, const struct value *values,
                          struct error *err);

#endif
