// Our side of the engine's benchmark: processor seconds of a training epoch for each workload on Fashion-MNIST
// (the first 48,000 images, no validation), and the share of the machine's own sgemm peak that the whole
// epoch reaches. tests/bench/engine.py runs it beside PyTorch.
//   bench_engine DATA_DIR [WORKLOAD [EPOCHS]]     one line of JSON for each epoch
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fashion.h"
#include "worker/engine/engine.h"

#define HEAD                                                                                       \
    "{\"dataset\": {\"name\": \"fashion-mnist\", \"scale\": \"0-1\", \"validation_split\": 0.2}, "
#define ADAM(batch)                                                                                \
    "\"compile\": {\"optimizer\": {\"type\": \"Adam\"}, \"loss\": "                                \
    "\"sparse_categorical_crossentropy\", \"metrics\": [\"accuracy\"]}, "                          \
    "\"fit\": {\"epochs\": 1000, \"batch_size\": " #batch "}, "
#define DENSE(units) "{\"type\": \"Dense\", \"units\": " #units ", \"activation\": \"relu\"}, "
#define LAST "{\"type\": \"Dense\", \"units\": 10, \"activation\": \"softmax\"}]}}"
#define LAYERS "\"model\": {\"layers\": ["
#define DROP "{\"type\": \"Dropout\", \"rate\": 0.2}, "
#define FLAT "{\"type\": \"Flatten\"}, "

// flops: of the products of one sample, forward and backward, without the input's gradient.
static const struct {
    const char *name, *config;
    double flops;
} workloads[] = {
    {"mlp-128-64-b32", HEAD ADAM(32) LAYERS FLAT DENSE(128) DROP DENSE(64) DROP LAST,
     4.0 * 784 * 128 + 6.0 * (128 * 64 + 64 * 10)},
    {"mlp-512x3-b32", HEAD ADAM(32) LAYERS FLAT DENSE(512) DENSE(512) DENSE(512) LAST,
     4.0 * 784 * 512 + 6.0 * (2 * 512 * 512 + 512 * 10)},
    {"mlp-512x3-b128", HEAD ADAM(128) LAYERS FLAT DENSE(512) DENSE(512) DENSE(512) LAST,
     4.0 * 784 * 512 + 6.0 * (2 * 512 * 512 + 512 * 10)},
    {"cnn-b64",
     HEAD ADAM(64) LAYERS
     "{\"type\": \"Reshape\", \"target_shape\": [28, 28, 1]}, "
     "{\"type\": \"Conv2D\", \"filters\": 16, \"kernel_size\": 3, \"activation\": \"relu\"}, "
     "{\"type\": \"MaxPooling2D\"}, "
     "{\"type\": \"Conv2D\", \"filters\": 32, \"kernel_size\": 3, \"activation\": \"relu\"}, "
     "{\"type\": \"MaxPooling2D\"}, " FLAT DENSE(64) LAST,
     4.0 * 26 * 26 * 9 * 16 + 6.0 * (11.0 * 11 * 144 * 32 + 800 * 64 + 64 * 10)},
    {"lstm-64-b64", HEAD ADAM(64) LAYERS "{\"type\": \"LSTM\", \"units\": 64}, " LAST,
     28.0 * (4.0 * 28 * 256 + 6.0 * 64 * 256) + 6.0 * 64 * 10},
};

// Processor time: one thread that never waits, so on a free machine it is the time on the clock, and on
// a busy one the others do not count.
static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Flops a second of sgemm at its best shape, the best of a few tries.
static double sgemm_peak(void)
{
    enum { N = 768 };
    float *m = malloc(sizeof(float) * 3 * N * N);
    double best = 0;

    for (size_t i = 0; m && i < (size_t)3 * N * N; i++)
        m[i] = (float)(i % 7);
    for (int i = 0; m && i < 8; i++) {
        const double start = now();

        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, m, N, m + N * N, N, 0,
                    m + 2 * N * N, N);
        const double speed = 2.0 * N * N * N / (now() - start);

        best = speed > best ? speed : best;
    }
    free(m);
    return best;
}

static enum code run(size_t index, int epochs, double peak, const struct dataset *data,
                     struct error *err)
{
    const char *config = workloads[index].config;
    cJSON *tree = json_read(config, strlen(config), NULL, err);
    struct training *training;
    enum code code = tree ? training_new(&training, tree, data, 1, NULL, err) : err->code;

    for (int e = 0; code == OK && e < epochs; e++) {
        const double start = now();
        struct epoch_log log;

        code = training_epoch(training, &log, err);
        if (code == OK) {
            const double seconds = now() - start;

            printf(
                "{\"workload\": \"%s\", \"seconds\": %.4f, \"peak_share\": %.3f, \"loss\": %.4f, "
                "\"accuracy\": %.4f}\n",
                workloads[index].name, seconds, 48000.0 * workloads[index].flops / seconds / peak,
                log.metrics[0].value, log.metrics[1].value);
        }
        fflush(stdout);
    }
    if (tree && code == OK)
        training_free(training);
    cJSON_Delete(tree);
    return code;
}

int main(int argc, char **argv)
{
    const int epochs = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    struct dataset data = {0};
    struct error err = {0};
    double peak;

    if (argc < 2) {
        fprintf(stderr, "use: bench_engine DATA_DIR [WORKLOAD [EPOCHS]]\n");
        return 2;
    }
    if (fashion_open(argv[1], &data, &err) != OK) {
        fprintf(stderr, "bench_engine: %s\n", err.message);
        return 1;
    }
    peak = sgemm_peak();
    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
        if (argc > 2 && *argv[2] && strcmp(argv[2], workloads[i].name) != 0)
            continue;
        if (run(i, epochs, peak, &data, &err) != OK) {
            fprintf(stderr, "bench_engine: %s: %s\n", workloads[i].name, err.message);
            return 1;
        }
    }
    dataset_fini(&data);
    return 0;
}
