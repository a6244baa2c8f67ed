// What the machine is, for the fleet's list: results are the same only on the same kind of processor.
#ifndef TUNERD_WORKER_CPU_H
#define TUNERD_WORKER_CPU_H

#include <stddef.h>

// "Model name (OpenBLAS core)", at most 255 bytes.
void cpu_describe(char *text, size_t size);
int cpu_count(void);           // processors this process may use, at least 1
double cpu_memory_bytes(void); // of the machine

#endif
