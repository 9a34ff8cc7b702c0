#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "fsm/terminal/world_secret.h"
#include "journal/store.h"
#include "tests/scratch.h"

void support_code(enum error_code code, enum error_code wanted, const struct error *error)
{
    if (code != wanted)
        fail_msg("error code %d instead of %d: %s: %s", (int)code, (int)wanted,
                 code != ERROR_OK ? error->where : "", code != ERROR_OK ? error->what : "");
}

const struct world *support_world(void)
{
    static const struct world_terminal terminal = {.read_secret = secret_line_ask,
                                                   .read_descriptor = secret_line_receive};
    static struct world world;
    world_system(&world);
    world.store = store_lmdb();
    world.terminal = &terminal;
    return &world;
}

void support_directory(char ret_path[SUPPORT_PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(ret_path, SUPPORT_PATH_MAX, "%.200s/titan-test.XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(ret_path));
}

void support_remove(const char *path)
{
    assert_int_equal(scratch_remove(path), 0);
}

const char *support_path(const char *directory, const char *name)
{
    static char paths[3][2 * SUPPORT_PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 3];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

void support_write(const char *path, const void *data, size_t size, unsigned mode)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(descriptor >= 0);
    assert_int_equal(fchmod(descriptor, mode), 0);
    assert_int_equal(write(descriptor, data, size), (ssize_t)size);
    assert_int_equal(close(descriptor), 0);
}

void support_read(const char *path, struct bytes *ret_data)
{
    struct error error;
    support_ok(world_read_file(support_world(), path, (size_t)64 << 20, ret_data, &error), &error);
}

int support_run(const char *const *arguments, const char *input, const char *output)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int in = open(input, O_RDONLY), out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
            _exit(126);
        (void)execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void support_skip(const char *why)
{
    (void)fprintf(stderr, "skipped: %s\n", why);
    _exit(SUPPORT_SKIP);
}

json_t *support_vectors(void)
{
    const char *path = getenv("TITAN_VECTORS");
    assert_non_null(path);
    json_error_t parsed;
    json_t *vectors = json_load_file(path, JSON_REJECT_DUPLICATES, &parsed);
    if (vectors == NULL)
        fail_msg("%s: %s", path, parsed.text);
    return vectors;
}

const char *support_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL)
        fail_msg("the vectors have no text `%s`", key);
    return text;
}

size_t support_hex(const char *hex, uint8_t *ret_data, size_t room)
{
    size_t size = 0;
    assert_int_equal(sodium_hex2bin(ret_data, room, hex, strlen(hex), NULL, &size, NULL), 0);
    return size;
}

struct signer *support_signer(uint8_t byte)
{
    uint8_t seed[SEED_BYTES];
    struct signer *signer = NULL;
    struct error error;
    memset(seed, byte, sizeof seed);
    support_ok(signer_from_seed(seed, &signer, &error), &error);
    return signer;
}

static enum error_code read_state(void *context, struct clock_reading *ret_reading,
                                  struct error *error)
{
    struct support_clock *state = context;
    (void)error;
    *ret_reading = state->next;
    state->next.boottime_ns++;
    state->next.utc_ns++;
    return ERROR_OK;
}

static enum error_code sleep_not(void *context, int64_t boottime_ns, struct error *error)
{
    (void)boottime_ns;
    (void)context;
    return error_set(error, ERROR_SYSTEM, 0, "clock", "", "the journal never sleeps");
}

struct clock support_clock(struct support_clock *state)
{
    return (struct clock){.context = state, .read = read_state, .sleep_until = sleep_not};
}

void support_root(const struct bytes *leaves, size_t count, uint8_t ret_root[SHA256_BYTES])
{
    struct bytes text = {0};
    struct error error;
    if (count == 1) {
        support_ok(bytes_append(&text, "\0", 1, &error), &error);
        support_ok(bytes_append(&text, leaves[0].data, leaves[0].size, &error), &error);
    } else if (count > 1) {
        size_t left = 1;
        while (left * 2 < count)
            left *= 2;
        uint8_t roots[2][SHA256_BYTES];
        support_root(leaves, left, roots[0]);
        support_root(leaves + left, count - left, roots[1]);
        support_ok(bytes_append(&text, "\1", 1, &error), &error);
        support_ok(bytes_append(&text, roots, sizeof roots, &error), &error);
    }
    bytes_sha256(text.data, text.size, ret_root);
    bytes_free(&text);
}
