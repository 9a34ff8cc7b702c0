#include "standin.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

static char *state_directory, *self;

void die(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    exit(status);
}

char *text(const char *format, ...)
{
    char *made = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&made, format, arguments) < 0)
        die(125, "standin: out of memory");
    va_end(arguments);
    return made;
}

char *state_path(const char *format, ...)
{
    char *rest = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&rest, format, arguments) < 0)
        die(125, "standin: out of memory");
    va_end(arguments);
    return text("%s/%s", state_directory, rest);
}

const char *state_self(void)
{
    return self;
}

/* A login over ssh has a clean environment, so the state directory is also named in a file beside
 * the program. Root becomes the stack's user, so that what one of them started the other can stop.
 */
static void read_settings(const char *path)
{
    char line[1024];
    unsigned uid, gid;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "state=", 6) == 0 && state_directory == NULL)
            state_directory = text("%s", line + 6);
        else if (sscanf(line, "owner=%u:%u", &uid, &gid) == 2 && geteuid() == 0 && uid != 0
                 && (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0))
            die(125, "standin: cannot become user %u", uid);
    }
    if (file != NULL)
        (void)fclose(file);
}

void state_open(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0 || sodium_init() < 0)
        die(125, "standin: /proc is not there");
    path[length] = '\0';
    self = text("%s", path);
    const char *given = getenv("TITAN_STANDIN_STATE");
    if (given != NULL && given[0] != '\0')
        state_directory = text("%s", given);
    *strrchr(path, '/') = '\0';
    read_settings(text("%s/standin.conf", path));
    if (state_directory == NULL)
        die(125, "standin: set TITAN_STANDIN_STATE, or write state=DIRECTORY into %s/standin.conf",
            path);
    (void)umask(022);
    tree_make(state_path("containers"));
    tree_make(state_path("images"));
}

void state_lock(void)
{
    char *path = state_path("lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    while (fd < 0 || flock(fd, LOCK_EX) != 0)
        if (fd < 0 || errno != EINTR)
            die(125, "standin: %s: %s", path, strerror(errno));
}

json_t *state_read(const char *path)
{
    json_error_t error;
    return json_load_file(path, JSON_ALLOW_NUL, &error);
}

void state_write(const char *path, const json_t *value)
{
    char *new_path = text("%s.%d.new", path, (int)getpid());
    if (json_dump_file(value, new_path, JSON_INDENT(1)) != 0 || rename(new_path, path) != 0)
        die(125, "standin: %s: %s", path, strerror(errno));
}

static char *hex(const uint8_t *data, size_t size)
{
    char *made = text("%*s", (int)(2 * size), "");
    return sodium_bin2hex(made, 2 * size + 1, data, size);
}

char *state_random_id(void)
{
    uint8_t random[STANDIN_ID_HEX / 2];
    randombytes_buf(random, sizeof random);
    return hex(random, sizeof random);
}

char *state_sha256(const char *data)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(hash, (const uint8_t *)data, strlen(data));
    return hex(hash, sizeof hash);
}

char *state_time_now(void)
{
    struct timespec now;
    struct tm parts;
    char seconds[40];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    return text("%s.%09ldZ", seconds, now.tv_nsec);
}

const char *state_string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

json_t *state_object(json_t *object, const char *key)
{
    if (!json_is_object(json_object_get(object, key)))
        (void)json_object_set_new(object, key, json_object());
    return json_object_get(object, key);
}

void state_note(const char *what, const char *id, const char *name)
{
    FILE *file = fopen(state_path("history.log"), "ae");
    if (file == NULL)
        return;
    (void)fprintf(file, "%s %s %.12s %s\n", state_time_now(), what, id, name);
    (void)fclose(file);
}

int state_run(char *const *words)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        (void)execvp(words[0], words);
        die(127, "standin: %s: %s", words[0], strerror(errno));
    }
    while (child < 0 || waitpid(child, &status, 0) < 0)
        if (child < 0 || errno != EINTR)
            die(125, "standin: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
