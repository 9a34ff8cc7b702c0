/* tests/crash/killpoint: dies by SIGKILL at the Nth boundary. Preloaded into the unchanged
 * titan-fsm. A boundary is the moment before, or the moment after, something that must not happen
 * twice or be lost: a journal commit, a mutating command that is sent to the target (under its
 * flock), a publish on the bus.
 *   TITAN_KILL_AT=N      die at boundary N (from 1); 0 or unset: never
 *   TITAN_KILL_LOG=FILE  append one line a boundary: "N before|after what" */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct MDB_txn MDB_txn;
typedef struct ssh_channel_struct *ssh_channel;
typedef struct natsConnection natsConnection;

int mdb_txn_commit(MDB_txn *transaction);
int ssh_channel_request_exec(ssh_channel channel, const char *command);
int natsConnection_Publish(natsConnection *connection, const char *subject, const void *data,
                           int length);

static void boundary(const char *moment, const char *what)
{
    static long count;
    const char *at = getenv("TITAN_KILL_AT"), *log = getenv("TITAN_KILL_LOG");
    char line[160];
    count++;
    if (log != NULL) {
        int length = snprintf(line, sizeof line, "%ld %s %s\n", count, moment, what);
        int descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (descriptor >= 0) {
            (void)!write(descriptor, line, (size_t)length);
            (void)close(descriptor);
        }
    }
    if (at != NULL && atol(at) == count)
        (void)kill(getpid(), SIGKILL);
}

static void *next(const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL)
        abort();
    return symbol;
}

/* Only what changes the target: a probe may be asked as often as one likes. */
static const char *mutation_of(const char *line)
{
    if (line == NULL || strstr(line, "flock -") == NULL
        || strstr(line, "f.renewed")
               != NULL) /* a renewal behind its intent may be lost, and made again */
        return NULL;
    static const struct {
        const char *mark, *name;
    } names[] = {{"tenancy.lock", "tenancy"},
                 {" up -d", "compose up"},
                 {" pull", "compose pull"},
                 {"git fetch", "git update"},
                 {"git checkout", "git restore"},
                 {" rm -f", "remove"},
                 {" tag ", "tag"},
                 {"create --name", "hold"},
                 {"rollback-", "override"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strstr(line, names[i].mark) != NULL)
            return names[i].name;
    return NULL;
}

int mdb_txn_commit(MDB_txn *transaction)
{
    int (*real)(MDB_txn *);
    *(void **)&real = next("mdb_txn_commit");
    boundary("before", "commit");
    int result = real(transaction);
    boundary("after", "commit");
    return result;
}

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *restrict files,
                const posix_spawnattr_t *restrict attributes, char *const arguments[restrict],
                char *const environment[restrict])
{
    int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                const posix_spawnattr_t *, char *const[], char *const[]);
    *(void **)&real = next("posix_spawn");
    const char *what = arguments[0] != NULL && arguments[1] != NULL ? mutation_of(arguments[2])
                                                                    : NULL;
    if (what != NULL)
        boundary("before", what);
    int result = real(pid, path, files, attributes, arguments, environment);
    if (what != NULL)
        boundary("after", what);
    return result;
}

int ssh_channel_request_exec(ssh_channel channel, const char *command)
{
    int (*real)(ssh_channel, const char *);
    *(void **)&real = next("ssh_channel_request_exec");
    const char *what = mutation_of(command);
    if (what != NULL)
        boundary("before", what);
    int result = real(channel, command);
    if (what != NULL)
        boundary("after", what);
    return result;
}

int natsConnection_Publish(natsConnection *connection, const char *subject, const void *data,
                           int length)
{
    int (*real)(natsConnection *, const char *, const void *, int);
    *(void **)&real = next("natsConnection_Publish");
    boundary("before", "publish");
    int result = real(connection, subject, data, length);
    boundary("after", "publish");
    return result;
}
