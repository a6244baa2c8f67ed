// One line an event to stderr: "level event key=value …", or the same as JSON. journald-friendly.
#ifndef TUNERD_COMMON_LOG_H
#define TUNERD_COMMON_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

// Once, from main, before any thread.
void log_setup(const char *program, enum log_level least, enum log_format format);
// event: a few words without spaces ("worker_joined"); then a sentence or key=value pairs.
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
