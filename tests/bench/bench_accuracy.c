// Our side of tests/bench/accuracy.py: trains one configuration on Fashion-MNIST.
//   bench_accuracy DATA_DIR SEED < CONFIGURATION     one line of JSON for each epoch: the engine's log
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fashion.h"
#include "worker/engine/engine.h"

static enum code train(const cJSON *config, const struct dataset *data, uint64_t seed,
                       struct error *err)
{
    struct training *training;
    enum code code = training_new(&training, config, data, seed, NULL, err);

    if (code != OK)
        return code;
    while (code == OK && !training_done(training)) {
        struct epoch_log log;

        code = training_epoch(training, &log, err);
        printf("{\"epoch\": %d", log.epoch);
        for (int i = 0; i < log.nmetrics; i++)
            printf(", \"%s\": %.9g", log.metrics[i].name, log.metrics[i].value);
        printf("}\n");
    }
    training_free(training);
    return code;
}

int main(int argc, char **argv)
{
    char text[1 << 16];
    const size_t length = fread(text, 1, sizeof(text), stdin);
    struct dataset data = {0};
    struct error err = {0};
    enum code code;
    cJSON *config;

    if (argc != 3) {
        fprintf(stderr, "use: bench_accuracy DATA_DIR SEED < CONFIGURATION\n");
        return 2;
    }
    config = json_read(text, length, NULL, &err);
    code = config ? fashion_open(argv[1], &data, &err) : err.code;
    if (code == OK)
        code = train(config, &data, strtoull(argv[2], NULL, 10), &err);
    if (code != OK)
        fprintf(stderr, "bench_accuracy: %s: %s\n", err.pointer, err.message);
    cJSON_Delete(config);
    dataset_fini(&data);
    return code != OK;
}
