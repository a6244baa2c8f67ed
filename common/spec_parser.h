// The parts of study_spec_parse(): definitions of hyperparameters, their places, the sections of the
// document against the catalogue, the tuner.
#ifndef TUNERD_COMMON_SPEC_PARSER_H
#define TUNERD_COMMON_SPEC_PARSER_H

#include "common/catalogue_take.h"
#include "common/space_build.h"
#include "common/study_spec.h"

enum { REPEAT_MAX = 64, LAYERS_MAX = 512, STEPS_MAX = 4096, LOG_NAMES_MAX = 128 };

// Values of the indices of the repeats around a place.
struct indices {
    int n;
    struct {
        const char *name;
        int value;
    } items[64];
};
// Writes name with each {index} replaced; false with the unknown one's name in `unknown` ("" when the
// result would be longer than HP_NAME_MAX).
bool indices_expand(const struct indices *indices, const char *name, char out[HP_NAME_MAX + 1],
                    char unknown[HP_NAME_MAX + 1]);

struct definition {
    const cJSON *item;
    bool good, is_ref;
    struct hp hp;
};

struct spec_parser {
    const cJSON *document;
    struct faults *faults;
    struct space_builder builder;
    int ndefinitions, cap;
    struct definition *definitions;
    struct indices indices; // of the place being checked
    int nnames;             // what an epoch's log will hold
    const char *names[LOG_NAMES_MAX];
    int better[LOG_NAMES_MAX]; // 1: larger is better, -1: smaller, 0: not known
};

const struct definition *find_definition(const struct spec_parser *parser, const cJSON *item);
// The definition that stands in a place or is referred to there; NULL when it is faulty or unknown.
const struct hp *definition_at(const struct spec_parser *parser, const struct indices *indices,
                               const cJSON *item);

// Where hyperparameters may stand, in the order of the space; ends with NULL.
extern const char *const spec_sections[];
// spec_hps.c: reads every {"hp": …}; spec_walk.c: follows repeats and switches and declares what exists
// where.
void spec_define_all(struct spec_parser *parser);
void spec_declare_all(struct spec_parser *parser);
// What a value of a switch is called in its cases ("relu", "2", "true").
void case_name(struct value value, char out[HP_NAME_MAX + 1]);
// Likewise of a fixed value; false when it is none.
bool case_of_fixed(const cJSON *item, char out[HP_NAME_MAX + 1]);

// spec_check.c: the sections against the catalogue; fills parser->names.
void spec_check_sections(struct spec_parser *parser);
// Place of a name in parser->names; -1 with a fault that lists them.
int spec_find_logged(const struct spec_parser *parser, const char *name, const char *pointer,
                     struct faults *faults);

// spec_tuner.c
void spec_read_tuner(struct spec_parser *parser, const cJSON *tuner, struct study_spec *spec);

// spec_data.c: the largest model against MODEL_PARAMETERS_MAX, for samples of one number: a lower bound
// that needs no data set.
void spec_check_parameters(const struct study_spec *spec, struct faults *faults);

// spec_resolve.c: the layers of one point, expanded, hyperparameters replaced. pointers: NULL, or
// receives a malloc'ed array with the document's pointer of each.
cJSON *spec_expand_model(const struct study_spec *spec, const struct value *values,
                         struct json_pointer **pointers, struct error *err);
// Turns the pointer prefix + "i/rest" of an error into an expanded model into the document's own.
void spec_point_into_document(const struct study_spec *spec, const struct value *values,
                              const char *prefix, struct error *err);

#endif
