/* tests/stack/standin_logs: `logs` with Docker's stamps, and `cp ID:PATH -`. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds and nanoseconds of RFC 3339 in UTC, or of seconds since 1970 with decimals; false when it
 * is neither. */
static bool read_time(const char *word, struct timespec *ret_time)
{
    struct tm parts = {0};
    const char *rest = strptime(word, "%Y-%m-%dT%H:%M:%S", &parts);
    char digits[10] = "000000000", *end;
    ret_time->tv_sec = rest != NULL ? timegm(&parts) : strtoll(word, &end, 10);
    if (rest == NULL && (rest = end) == word)
        return false;
    for (size_t i = 0; *rest == '.' && rest[1 + i] >= '0' && rest[1 + i] <= '9' && i < 9; i++)
        digits[i] = rest[1 + i];
    ret_time->tv_nsec = strtol(digits, NULL, 10);
    return true;
}

static bool is_before(const struct timespec *left, const struct timespec *right)
{
    return left->tv_sec < right->tv_sec
           || (left->tv_sec == right->tv_sec && left->tv_nsec < right->tv_nsec);
}

int logs_print(const char *id, const char *since, long tail, bool timestamps)
{
    char *line = NULL;
    size_t room = 0;
    long lines = 0, number = 0;
    struct timespec from = {0}, stamp;
    if (since != NULL && !read_time(since, &from))
        die(1, "invalid value for \"since\": failed to parse value as time or duration: %s", since);
    FILE *file = fopen(state_path("containers/%s/log", id), "re");
    if (file == NULL)
        return 0;
    while (getline(&line, &room, file) > 0)
        lines++;
    rewind(file);
    while (getline(&line, &room, file) > 0) {
        const char *space = strchr(line, ' ');
        bool wanted = tail < 0 || number >= lines - tail;
        number++;
        if (wanted && space != NULL && read_time(line, &stamp) && !is_before(&stamp, &from))
            (void)fputs(timestamps ? line : space + 1, stdout);
    }
    (void)fclose(file);
    free(line);
    return 0;
}

int logs_copy(const char *id, const char *path)
{
    char *full = state_path("containers/%s/root%s%s", id, path[0] == '/' ? "" : "/", path);
    if (access(full, F_OK) != 0)
        die(1, "Error response from daemon: Could not find the file %s in container %s", path, id);
    char *slash = strrchr(full, '/');
    *slash = '\0';
    char *const words[] = {"tar", "-C", full, "-cf", "-", slash + 1, NULL};
    return state_run(words);
}
