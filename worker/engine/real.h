// The engine's number: float, or double in the builds that are compared with Keras' own figures
// (-DENGINE_REAL_DOUBLE).
#ifndef TUNERD_WORKER_ENGINE_REAL_H
#define TUNERD_WORKER_ENGINE_REAL_H

#ifdef ENGINE_REAL_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
