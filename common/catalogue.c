// Finding entries by name.
#include <string.h>

#include "common/catalogue_tables.h"

static const struct {
    const char *name;
    const struct entry *entries;
} kinds[CATALOGUE_KINDS] = {
    [CATALOGUE_LAYER] = {"layer", catalogue_layers},
    [CATALOGUE_ACTIVATION] = {"activation", catalogue_activations},
    [CATALOGUE_INITIALIZER] = {"initializer", catalogue_initializers},
    [CATALOGUE_REGULARIZER] = {"regularizer", catalogue_regularizers},
    [CATALOGUE_OPTIMIZER] = {"optimizer", catalogue_optimizers},
    [CATALOGUE_LOSS] = {"loss", catalogue_losses},
    [CATALOGUE_METRIC] = {"metric", catalogue_metrics},
    [CATALOGUE_CALLBACK] = {"callback", catalogue_callbacks},
    [CATALOGUE_SCHEDULE] = {"schedule", catalogue_schedules},
    [CATALOGUE_TUNER] = {"tuner", catalogue_tuners},
    [CATALOGUE_SECTION] = {"section", catalogue_sections},
};

// Second names that Keras takes as well.
static const struct {
    enum catalogue_kind kind;
    const char *alias, *name;
} aliases[] = {
    {CATALOGUE_OPTIMIZER, "sgd", "SGD"},           {CATALOGUE_OPTIMIZER, "rmsprop", "RMSprop"},
    {CATALOGUE_OPTIMIZER, "adam", "Adam"},         {CATALOGUE_OPTIMIZER, "adamw", "AdamW"},
    {CATALOGUE_OPTIMIZER, "adagrad", "Adagrad"},   {CATALOGUE_OPTIMIZER, "nadam", "Nadam"},
    {CATALOGUE_LOSS, "mse", "mean_squared_error"}, {CATALOGUE_LOSS, "mae", "mean_absolute_error"},
};

const char *catalogue_kind_name(enum catalogue_kind kind)
{
    return kinds[kind].name;
}

const struct entry *catalogue_list(enum catalogue_kind kind, int *count)
{
    const struct entry *entries = kinds[kind].entries;

    for (*count = 0; entries && entries[*count].name;)
        ++*count;
    return entries;
}

const char *catalogue_alias(enum catalogue_kind kind, int index, const char **name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (aliases[i].kind == kind && index-- == 0) {
            *name = aliases[i].name;
            return aliases[i].alias;
        }
    return NULL;
}

const struct entry *catalogue_find(enum catalogue_kind kind, const char *name)
{
    const char *alias, *meant;

    for (int i = 0; (alias = catalogue_alias(kind, i, &meant)); i++)
        if (strcmp(alias, name) == 0)
            name = meant;
    for (const struct entry *entry = kinds[kind].entries; entry && entry->name; entry++)
        if (strcmp(entry->name, name) == 0)
            return entry;
    return NULL;
}
