// Weights as a file: https://github.com/huggingface/safetensors, "Format". A file is
//   length of the header 8, little endian · header, JSON · the tensors' numbers, row-major, little endian
// The header maps "__metadata__" to an object of strings, and each tensor's name to its dtype, shape and
// data_offsets, counted from the header's end. We write and take float32 only, tensors in the order of
// their numbers, without holes.
#ifndef TUNERD_COMMON_SAFETENSORS_H
#define TUNERD_COMMON_SAFETENSORS_H

#include "common/json.h"

// Of length and header together; the format itself allows 100 MB.
enum { SAFETENSORS_HEADER_MAX = 4 << 20, SAFETENSORS_RANK_MAX = 8 };

struct safetensor {
    const char *name;
    int rank;
    const int64_t *dim; // [rank]
};

// What stands before the numbers, padded with spaces to whole 8 bytes; malloc'ed. metadata: an object of
// strings, read and not kept. E_CONFLICT: two tensors of one name, or one named "__metadata__"; E_LIMIT:
// too long; E_MEMORY.
enum code safetensors_header(const cJSON *metadata, const struct safetensor *tensors, int count,
                             unsigned char **out, size_t *len, struct error *err);

// Length of length and header together, from a file's first 8 bytes; 0: above SAFETENSORS_HEADER_MAX.
size_t safetensors_header_length(const unsigned char bytes[8]);
// Checks a file of `size` bytes by its beginning, of which safetensors_header_length() bytes are given, and
// gives how many numbers it has. E_SYNTAX, E_INVALID: not such a file, with the reason.
enum code safetensors_check(const unsigned char *bytes, size_t len, int64_t size, int64_t *numbers,
                            struct error *err);

#endif
