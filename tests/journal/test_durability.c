/* Goal: journal_append() has returned only when the entry is on the disk: one fdatasync, then one
 * write on the O_DSYNC descriptor (the commit point), and no other flush; a new journal syncs its
 * directory and the one above. Seen by the kernel, with strace. */
#include "support.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/journal.h"

enum { APPENDS = 12 };

/* What the traced process does. Its marks on standard error stand in the trace between the calls.
 */
static void mark(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        _exit(3);
}

static int work(const char *path)
{
    struct journal *journal = NULL;
    struct error error;
    struct signer *signer = support_signer(1);
    uint8_t *noise = calloc(1, 100000);
    mark("MARK create");
    if (journal_create(path, support_world(), &journal, &error) != ERROR_OK)
        return 1;
    mark("MARK created");
    for (unsigned i = 0; i < APPENDS; i++) {
        json_t *body = json_pack("{s:s}", "text", "an entry");
        const struct bytes blobs[] = {{.data = noise, .size = (size_t)i * 1000},
                                      {.data = noise, .size = (size_t)i * 4096 + 1}};
        memset(noise, (int)i, 100000);
        mark("MARK begin");
        if (journal_append(journal,
                           &(struct entry_draft){.signer = signer,
                                                 .type = "note",
                                                 .deployment = JOURNAL_NO_DEPLOYMENT,
                                                 .body = body,
                                                 .blobs = blobs,
                                                 .blob_count = i % 3},
                           NULL, &error)
            != ERROR_OK)
            return 2;
        mark("MARK end");
        json_decref(body);
    }
    return 0;
}

/* Where ptrace is forbidden there is nothing to see. */
static bool can_trace(void)
{
    const char *const arguments[] = {"strace", "-o", "/dev/null", "true", NULL};
    return support_run(arguments, "/dev/null", "/dev/null") == 0;
}

struct trace {
    char directory[SUPPORT_PATH_MAX], path[SUPPORT_PATH_MAX + 16];
    struct bytes text;
};

static int set_up(void **state)
{
    struct trace *trace = calloc(1, sizeof *trace);
    char self[SUPPORT_PATH_MAX], output[SUPPORT_PATH_MAX + 16];
    support_directory(trace->directory);
    (void)snprintf(trace->path, sizeof trace->path, "%s/journal", trace->directory);
    (void)snprintf(output, sizeof output, "%s/trace", trace->directory);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    const char *const arguments[] = {"strace",
                                     "-f",
                                     "-y",
                                     "-o",
                                     output,
                                     "-e",
                                     "trace=openat,write,writev,pwrite64,pwritev,fsync,fdatasync,"
                                     "msync,sync,syncfs,sync_file_range,ftruncate",
                                     self,
                                     "--work",
                                     trace->path,
                                     NULL};
    assert_int_equal(support_run(arguments, "/dev/null", "/dev/null"), 0);
    support_read(output, &trace->text);
    *state = trace;
    return 0;
}

static int tear_down(void **state)
{
    struct trace *trace = *state;
    bytes_free(&trace->text);
    support_remove(trace->directory);
    free(trace);
    return 0;
}

/* The next line of the trace, without the number of the process. */
static bool next_call(const char **at, char *ret_line, size_t room)
{
    if (**at == '\0')
        return false;
    size_t length = strcspn(*at, "\n");
    const char *begin = *at;
    while (isdigit((unsigned char)*begin) || *begin == ' ')
        begin++;
    (void)snprintf(ret_line, room, "%.*s", (int)(*at + length - begin), begin);
    *at += length + ((*at)[length] == '\n');
    return true;
}

static bool is_call(const char *line, const char *name)
{
    size_t length = strlen(name);
    return strncmp(line, name, length) == 0 && line[length] == '(';
}

/* The descriptor number of `name(N<...` */
static int descriptor_of(const char *line)
{
    return atoi(strchr(line, '(') + 1);
}

/* The descriptor that openat() gave for data.mdb with or without O_DSYNC; the last one. */
static int data_descriptor(const char *trace, const char *until, bool dsync)
{
    char line[512];
    int found = -1;
    for (const char *at = trace; at < until && next_call(&at, line, sizeof line);)
        if (is_call(line, "openat") && strstr(line, "/data.mdb\"") != NULL
            && (strstr(line, "O_DSYNC") != NULL) == dsync)
            found = atoi(strrchr(line, '=') + 1);
    return found;
}

static bool is_flush(const char *line)
{
    static const char *const names[] = {"fsync", "fdatasync", "msync",
                                        "sync",  "syncfs",    "sync_file_range"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_call(line, names[i]))
            return true;
    return false;
}

/* From "MARK begin" to "MARK end": data pages, one fdatasync of data.mdb, one write of the meta
 * page on the O_DSYNC descriptor, nothing behind it. */
static void check_append(const char **at, int data, int commit)
{
    char line[512];
    unsigned flushes = 0, commits = 0, pages = 0;
    while (next_call(at, line, sizeof line) && strstr(line, "MARK end") == NULL) {
        if (is_flush(line)) {
            assert_true(is_call(line, "fdatasync") && descriptor_of(line) == data);
            assert_non_null(strstr(line, "/data.mdb>"));
            assert_true(pages > 0 && commits == 0); /* behind the pages, in front of the commit */
            flushes++;
        } else if (strstr(line, "write") != NULL && strstr(line, "/data.mdb>") != NULL) {
            commits += descriptor_of(line) == commit;
            pages += descriptor_of(line) == data;
            assert_true(commits == 0 || flushes == 1);
        }
    }
    assert_int_equal(flushes, 1);
    assert_int_equal(commits, 1);
}

static void journal_append_one_fdatasync_and_one_dsync_write(void **state)
{
    const struct trace *trace = *state;
    const char *at = (const char *)trace->text.data;
    char line[512];
    unsigned appends = 0;
    const char *created = strstr(at, "MARK created");
    assert_non_null(created);
    int data = data_descriptor(at, created, false), commit = data_descriptor(at, created, true);
    assert_true(data >= 0 && commit >= 0 && data != commit);
    while (next_call(&at, line, sizeof line)) {
        if (strstr(line, "MARK begin") == NULL)
            continue;
        check_append(&at, data, commit);
        appends++;
    }
    assert_int_equal(appends, APPENDS);
}

/* The names of data.mdb and of the journal itself are durable before the first entry. */
static void journal_create_directories_are_synced(void **state)
{
    const struct trace *trace = *state;
    const char *at = (const char *)trace->text.data;
    char line[512], own[SUPPORT_PATH_MAX + 32], above[SUPPORT_PATH_MAX + 32];
    bool file_made = false, own_synced = false, above_synced = false;
    (void)snprintf(own, sizeof own, "<%s>", trace->path);
    (void)snprintf(above, sizeof above, "<%s>", trace->directory);
    while (next_call(&at, line, sizeof line) && strstr(line, "MARK created") == NULL) {
        file_made = file_made
                    || (is_call(line, "openat") && strstr(line, "/data.mdb\"") != NULL
                        && strstr(line, "O_CREAT") != NULL);
        own_synced = own_synced
                     || (file_made && is_call(line, "fsync") && strstr(line, own) != NULL);
        above_synced = above_synced
                       || (own_synced && is_call(line, "fsync") && strstr(line, above) != NULL);
    }
    assert_true(file_made && own_synced && above_synced);
}

int main(int count, char **words)
{
    if (sodium_init() < 0)
        return 1;
    if (count == 3 && strcmp(words[1], "--work") == 0)
        _exit(work(words[2])); /* not exit(): a leak checker cannot look into a traced process */
    if (!can_trace())
        support_skip("strace cannot trace here");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(journal_append_one_fdatasync_and_one_dsync_write, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(journal_create_directories_are_synced, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
