// Lines are built on the stack and written with one write(), so that lines of several threads and
// processes on one stderr never mix. The set-up is the process's: written once, before any thread.
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/json.h"

static struct {
    const char *program;
    enum log_level least;
    enum log_format format;
    bool journal; // stderr is the journal: lines start with their priority
} setup = {.program = "tunerd", .least = LOG_LEVEL_INFO};

static const struct level {
    const char *name;
    int priority; // syslog(3)
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", 7},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_ERROR] = {"error", 3},
};

void log_setup(const char *program, enum log_level least, enum log_format format)
{
    setup.program = program;
    setup.least = least;
    setup.format = format;
    setup.journal = getenv("JOURNAL_STREAM") != NULL;
}

struct line {
    char text[4096];
    size_t len;
    bool full;
};

enum { TAIL = 3 }; // stays free for the end of a JSON line and the newline

// From the first piece on that does not fit nothing more is taken: no escape is ever cut in two.
static void put(struct line *line, const char *bytes, size_t len)
{
    line->full = line->full || len > sizeof line->text - TAIL - line->len;
    if (line->full)
        return;
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

// Text from elsewhere may hold anything: control characters and broken UTF-8 are escaped, so that no
// message can forge a second line; with `quotes` also what JSON wants escaped.
static void put_escaped(struct line *line, const char *text, bool quotes)
{
    for (size_t left = strlen(text), len; left > 0; text += len, left -= len) {
        unsigned char first = (unsigned char)*text;
        char escape[8];
        len = json_utf8(text, left);
        if (len == 0) {
            put_text(line, "\\ufffd");
            len = 1;
        } else if (first < 0x20 || first == 0x7F) {
            snprintf(escape, sizeof escape, "\\u%04x", first);
            put_text(line, escape);
        } else if (quotes && (first == '"' || first == '\\')) {
            put(line, (const char[]){'\\', *text}, 2);
        } else {
            put(line, text, len);
        }
    }
}

static void format_text(struct line *line, enum log_level level, const char *event,
                        const char *message)
{
    put_text(line, levels[level].name);
    put_text(line, " ");
    put_escaped(line, event, false);
    put_text(line, " ");
    put_escaped(line, message, false);
}

static void format_json(struct line *line, enum log_level level, const char *event,
                        const char *message)
{
    struct timespec now;
    struct tm utc;
    char time[40] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) != NULL) {
        size_t len = strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
        snprintf(time + len, sizeof time - len, ".%03ldZ", now.tv_nsec / 1000000);
    }
    put_text(line, "{\"time\":\"");
    put_text(line, time);
    put_text(line, "\",\"level\":\"");
    put_text(line, levels[level].name);
    put_text(line, "\",\"program\":\"");
    put_escaped(line, setup.program, true);
    put_text(line, "\",\"event\":\"");
    put_escaped(line, event, true);
    put_text(line, "\",\"message\":\"");
    put_escaped(line, message, true);
    memcpy(line->text + line->len, "\"}", 2);
    line->len += 2;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < setup.least)
        return;
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);

    struct line line = {.len = 0};
    if (setup.journal) {
        char prefix[8];
        snprintf(prefix, sizeof prefix, "<%d>", levels[level].priority);
        put_text(&line, prefix);
    }
    if (setup.format == LOG_FORMAT_JSON)
        format_json(&line, level, event, message);
    else
        format_text(&line, level, event, message);
    line.text[line.len++] = '\n';

    size_t done = 0;
    while (done < line.len) {
        ssize_t n = write(STDERR_FILENO, line.text + done, line.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; // nowhere to complain to
        done += (size_t)n;
    }
}
