// The child process: one piece of work, told by a JSON document, reported in frames (frame.h).
//
// Work {"work": "prepare", "target": path, "format", "spec", "names", "paths", …} turns the files of a
// data set into one that can be mapped: {"type": "prepared"}, or {"type": "failed", "code", "error"}.
// Work {"work": "train", "job": …} runs one execution: {"type": "epoch", "epoch", "metrics"} after each
// epoch, {"type": "alive"} before long steps without one, and at the end {"type": "ended", "state",
// "epochs", "end_reason", "error", "report", "checkpoint", "model", "model_error"}, with the fields of the
// wire's `result`; the model's weights are in the job's file (keeper.h).
// A byte from the daemon asks a training to end after the running epoch.
#ifndef TUNERD_WORKER_TRAINER_H
#define TUNERD_WORKER_TRAINER_H

enum trainer_exit {
    TRAINER_EXIT_DONE = 0,    // the last frame says how it went
    TRAINER_EXIT_SETUP = 100, // the process could not be set up
    TRAINER_EXIT_LOST = 101,  // the daemon is gone or does not take frames
};

// In the fork server, once: one small product, so that OpenBLAS has its buffers before any child sets
// itself a memory limit (within which it would wait for them for ever, OpenBLAS issue 5289).
void trainer_warm_up(void);

// Reads the work from the file `job`, which must be writable, does it and gives the process' exit status.
int trainer_run(int socket, int job);

#endif
