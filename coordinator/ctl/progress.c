// The line of a watch, made from the study as the API gives it.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/ctl/ctl.h"

enum { BAR = 24 };

static void put_bar(FILE *out, double progress)
{
    int full = isnan(progress) ? 0 : (int)(progress * BAR + 0.5);
    fputc('[', out);
    for (int i = 0; i < BAR; i++)
        fputc(i < full ? '#' : '-', out);
    fputc(']', out);
}

static void put_counts(FILE *out, const cJSON *study)
{
    static const char *const ended[] = {"completed", "pruned", "failed", "infeasible", "cancelled"};
    const cJSON *counts = json_member(study, "counts");
    int64_t done = 0, total = json_integer_or(study, "max_trials", -1);
    for (int i = 0; i < 5; i++)
        done += json_integer_or(counts, ended[i], 0);
    int64_t failed = json_integer_or(counts, "failed", 0);
    fprintf(out, " %lld", (long long)done);
    if (total >= 0)
        fprintf(out, "/%lld", (long long)total);
    fprintf(out, " trials");
    if (failed)
        fprintf(out, ", %lld failed", (long long)failed);
}

static void put_seconds(FILE *out, double seconds)
{
    if (seconds >= 3600)
        fprintf(out, " | %d h %02d min left", (int)(seconds / 3600), (int)(seconds / 60) % 60);
    else if (seconds >= 60)
        fprintf(out, " | %d min %02d s left", (int)(seconds / 60), (int)seconds % 60);
    else
        fprintf(out, " | %d s left", (int)(seconds + 0.5));
}

// Cuts to `width` characters, never inside one.
static void cut(char *line, int width)
{
    int seen = 0;
    for (char *p = line; *p; p++) {
        seen += ((unsigned char)*p & 0xc0) != 0x80;
        if (seen > width) {
            *p = '\0';
            return;
        }
    }
}

char *progress_line(const cJSON *study, const cJSON *epoch, int width)
{
    char *line = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&line, &len);
    if (!out)
        return NULL;
    const char *state = json_string_or(study, "state", ""), *objective = show_objective(study);
    const cJSON *best = json_member(study, "best_trial");
    const cJSON *now = json_member(json_member(epoch, "metrics"), objective);
    double left = json_number_or(study, "eta_s", NAN);
    put_bar(out, json_number_or(study, "progress", NAN));
    put_counts(out, study);
    if (strcmp(state, "running") != 0)
        fprintf(out, ", %s", state);
    if (cJSON_IsObject(best))
        fprintf(out, " | best %s %.4g (trial %lld)", objective, json_number_or(best, "score", NAN),
                (long long)json_integer_or(best, "number", -1));
    if (cJSON_IsNumber(now))
        fprintf(out, " | trial %lld epoch %lld: %.4g",
                (long long)json_integer_or(epoch, "trial", -1),
                (long long)json_integer_or(epoch, "epoch", 0), now->valuedouble);
    if (!isnan(left) && strcmp(state, "running") == 0)
        put_seconds(out, left);
    if (fclose(out) != 0) {
        free(line);
        return NULL;
    }
    cut(line, width);
    return line;
}
