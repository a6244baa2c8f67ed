// The text of a CSV file (RFC 4180), field by field. Lines end with LF or CRLF; a field may be quoted and
// then hold delimiters, line ends and doubled quotes; empty lines are skipped. Delimiter: comma, or
// semicolon or tab when the first line has no comma.
#ifndef TUNERD_COMMON_DATA_CSV_H
#define TUNERD_COMMON_DATA_CSV_H

#include <stdint.h>

#include "common/error.h"

struct csv_text {
    const char *name; // the file's, borrowed
    char *text;       // valid UTF-8 without NUL bytes, NUL behind it
    int64_t size;
    char delimiter;
};

// Reads a whole file (.gz or not). E_NOT_FOUND, E_IO, E_LIMIT, E_INVALID with file and line.
enum code csv_load(struct csv_text *text, const char *path, const char *name, struct error *err);
void csv_unload(struct csv_text *text);

struct csv_scanner {
    const struct csv_text *source;
    const char *at;
    int64_t line;   // of `at`, from 1
    int64_t record; // line on which the current record began
    char *field;    // the last field read, unquoted, NUL behind it; owned
    size_t length, capacity;
    bool ended; // the last field was the last one of its record
};

void csv_begin(struct csv_scanner *scanner, const struct csv_text *source);
void csv_end(struct csv_scanner *scanner);
// Goes to the next record; false at the end of the text.
bool csv_record(struct csv_scanner *scanner);
// Reads the record's next field into scanner->field. E_INVALID with file:line for quoting faults.
enum code csv_field(struct csv_scanner *scanner, struct error *err);

// The field without spaces around it as a number. False when it is none (also for nan, inf, hex).
bool csv_number(const struct csv_scanner *scanner, double *out);
// True for inf and for a number that a float cannot hold.
bool csv_infinite(const struct csv_scanner *scanner);
// True for an empty field and for what stands for a missing number: NA, N/A, NaN, null, ?.
bool csv_missing(const struct csv_scanner *scanner);

#endif
