/* Goal: signing through the real ssh-agent gives the very bytes that the key itself gives, and each
 * way in which an agent can fail is told apart. One case needs an agent that lies, which no real
 * one does: there a child answers in its place. */
#include "support.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/format/sshsig.h"

enum { PATH_ROOM = SUPPORT_PATH_MAX + 16 };

struct agent {
    char directory[SUPPORT_PATH_MAX];
    char socket[PATH_ROOM], key[PATH_ROOM], other[PATH_ROOM], askpass[PATH_ROOM];
    pid_t pid;
    uint8_t public_key[KEY_BYTES];
};

static int ssh_add(const struct agent *agent, const char *option, const char *path)
{
    const char *const arguments[] = {"ssh-add", "-q", option, path, NULL};
    assert_int_equal(setenv("SSH_AUTH_SOCK", agent->socket, 1), 0);
    return support_run(arguments, "/dev/null", "/dev/null");
}

static void make_key(const char *path)
{
    const char *const arguments[] = {"ssh-keygen", "-q",          "-t", "ed25519", "-N", "",
                                     "-C",         "an operator", "-f", path,      NULL};
    assert_int_equal(support_run(arguments, "/dev/null", "/dev/null"), 0);
}

static bool answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(descriptor >= 0);
    bool good = connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(descriptor);
    return good;
}

static void start(struct agent *agent)
{
    agent->pid = fork();
    assert_true(agent->pid >= 0);
    if (agent->pid == 0) {
        (void)freopen("/dev/null", "w", stdout);
        (void)execlp("ssh-agent", "ssh-agent", "-D", "-a", agent->socket, (char *)NULL);
        _exit(127);
    }
    while (!answers(
        agent->socket)) { /* the condition is looked at again and again; a dead child ends it */
        assert_int_equal(waitpid(agent->pid, NULL, WNOHANG), 0);
        (void)poll(NULL, 0, 1);
    }
}

static void stop(struct agent *agent)
{
    if (agent->pid > 0) {
        assert_int_equal(kill(agent->pid, SIGKILL), 0);
        assert_int_equal(waitpid(agent->pid, NULL, 0), agent->pid);
    }
    agent->pid = 0;
}

static int set_up(void **state)
{
    struct agent *agent = calloc(1, sizeof *agent);
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    support_directory(agent->directory);
    (void)snprintf(agent->socket, PATH_ROOM, "%s/agent", agent->directory);
    (void)snprintf(agent->key, PATH_ROOM, "%s/key", agent->directory);
    (void)snprintf(agent->other, PATH_ROOM, "%s/other", agent->directory);
    (void)snprintf(agent->askpass, PATH_ROOM, "%s/askpass", agent->directory);
    /* What ssh-add and ssh-agent run instead of asking: a password for the lock; status 1, "no", to
     * a confirmation. */
    static const char script[] =
        "#!/bin/sh\necho password\ncase \"$1\" in *Allow*) exit 1 ;; esac\n";
    support_write(agent->askpass, script, sizeof script - 1, 0700);
    assert_int_equal(setenv("SSH_ASKPASS", agent->askpass, 1)
                         + setenv("SSH_ASKPASS_REQUIRE", "force", 1) + setenv("DISPLAY", "none", 1),
                     0);
    make_key(agent->key);
    make_key(agent->other);
    support_read(support_path(agent->directory, "key.pub"), &text);
    support_ok(ssh_public_key_from_base64((const char *)text.data + 12, 68, agent->public_key,
                                          &error),
               &error);
    start(agent);
    *state = agent;
    return 0;
}

static int tear_down(void **state)
{
    struct agent *agent = *state;
    stop(agent);
    support_remove(agent->directory);
    free(agent);
    return 0;
}

static void refused(const struct agent *agent, const char *what)
{
    struct signer *signer = NULL;
    struct error error;
    support_code(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                            &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_null(signer);
    assert_string_equal(error.where, agent->socket);
    if (strstr(error.what, what) == NULL)
        fail_msg("`%s` does not say `%s`", error.what, what);
    assert_true(error.next[0] != '\0');
}

static void sign_refused(const struct agent *agent, struct signer *signer, const char *what)
{
    struct error error;
    uint8_t signature[SIGNATURE_BYTES] = {9};
    support_code(signer_sign(signer, "data", 4, signature, &error), ERROR_KEY_REFUSED, &error);
    assert_int_equal(signature[0], 9);
    assert_string_equal(error.where, agent->socket);
    if (strstr(error.what, what) == NULL)
        fail_msg("`%s` does not say `%s`", error.what, what);
}

static void agent_sign_key_present_signs_as_the_key_itself(void **state)
{
    const struct agent *agent = *state;
    assert_int_equal(ssh_add(agent, "-q", agent->other), 0);
    assert_int_equal(ssh_add(agent, "-q", agent->key), 0);
    CLEANUP_SIGNER struct signer *signer = NULL;
    CLEANUP_BYTES struct bytes armored = {0};
    struct error error;
    support_ok(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                          &signer, &error),
               &error);
    assert_memory_equal(signer_public_key(signer), agent->public_key, KEY_BYTES);
    for (size_t size = 0; size < 300; size += 37) {
        uint8_t message[300] = {1}, data[SSHSIG_SIGNED_DATA_BYTES_MAX], signature[SIGNATURE_BYTES],
                again[SIGNATURE_BYTES], key[KEY_BYTES];
        size_t data_bytes = sshsig_signed_data(SSHSIG_NAMESPACE_JOURNAL, message, size, data);
        support_ok(signer_sign(signer, data, data_bytes, signature, &error), &error);
        assert_true(
            sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, message, size, signature, agent->public_key));
        /* Ed25519 is deterministic: ssh-keygen, from the key file, makes the same 64 bytes. */
        const char *path = support_path(agent->directory, "message");
        const char *const signing[] = {"ssh-keygen", "-q",       "-Y", "sign",
                                       "-f",         agent->key, "-n", SSHSIG_NAMESPACE_JOURNAL,
                                       path,         NULL};
        support_write(path, message, size, 0600);
        assert_int_equal(support_run(signing, "/dev/null", "/dev/null"), 0);
        support_read(support_path(agent->directory, "message.sig"), &armored);
        support_ok(sshsig_dearmor((const char *)armored.data, armored.size,
                                  SSHSIG_NAMESPACE_JOURNAL, again, key, &error),
                   &error);
        assert_memory_equal(signature, again, sizeof again);
        assert_int_equal(unlink(support_path(agent->directory, "message.sig")), 0);
    }
}

static void agent_open_environment_names_the_socket(void **state)
{
    const struct agent *agent = *state;
    assert_int_equal(ssh_add(agent, "-q", agent->key), 0);
    struct signer *signer = NULL;
    struct error error;
    assert_int_equal(setenv("SSH_AUTH_SOCK", agent->socket, 1), 0);
    support_ok(agent_open(support_world(), NULL, agent->public_key, AGENT_PERSON_MS, &signer,
                          &error),
               &error);
    signer_close(signer);
    signer = NULL;
    char long_path[300];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    support_code(agent_open(support_world(), long_path, agent->public_key, AGENT_PERSON_MS, &signer,
                            &error),
                 ERROR_KEY_REFUSED, &error);
    assert_int_equal(setenv("SSH_AUTH_SOCK", "", 1), 0);
    support_code(agent_open(support_world(), NULL, agent->public_key, AGENT_PERSON_MS, &signer,
                            &error),
                 ERROR_KEY_REFUSED, &error);
    assert_int_equal(unsetenv("SSH_AUTH_SOCK"), 0);
    support_code(agent_open(support_world(), NULL, agent->public_key, AGENT_PERSON_MS, &signer,
                            &error),
                 ERROR_KEY_REFUSED, &error);
    assert_null(signer);
}

static void agent_open_key_absent_refused(void **state)
{
    const struct agent *agent = *state;
    refused(agent, "locked or empty");
    assert_int_equal(ssh_add(agent, "-q", agent->other), 0);
    refused(agent, "does not hold the operator's key");
}

static void agent_locked_is_told_and_works_after_unlocking(void **state)
{
    const struct agent *agent = *state;
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    uint8_t signature[SIGNATURE_BYTES];
    assert_int_equal(ssh_add(agent, "-q", agent->key), 0);
    support_ok(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                          &signer, &error),
               &error);
    assert_int_equal(ssh_add(agent, "-x", NULL), 0);
    sign_refused(agent, signer, "locked or empty");
    refused(agent, "locked or empty");
    assert_int_equal(ssh_add(agent, "-X", NULL), 0);
    support_ok(signer_sign(signer, "data", 4, signature, &error), &error);
}

static void agent_sign_key_removed_refused(void **state)
{
    const struct agent *agent = *state;
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    assert_int_equal(ssh_add(agent, "-q", agent->key), 0);
    assert_int_equal(ssh_add(agent, "-q", agent->other), 0);
    support_ok(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                          &signer, &error),
               &error);
    assert_int_equal(ssh_add(agent, "-d", agent->key), 0);
    sign_refused(agent, signer, "does not hold the operator's key");
    assert_int_equal(ssh_add(agent, "-D", NULL), 0);
    sign_refused(agent, signer, "locked or empty");
}

static void agent_sign_not_confirmed_refused(void **state)
{
    const struct agent *agent = *state;
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    assert_int_equal(ssh_add(agent, "-c", agent->key), 0);
    support_ok(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                          &signer, &error),
               &error);
    sign_refused(agent, signer, "refused to sign");
}

/* The program that ssh-agent runs instead of asking; `answer` is a shell command, and its status
 * the answer. */
static void answer_with(const struct agent *agent, const char *answer)
{
    char script[300];
    int length = snprintf(
        script, sizeof script,
        "#!/bin/sh\ncase \"$1\" in *Allow*) echo \"$1\" >> %s/asked; echo yes; %s ;; esac\n",
        agent->directory, answer);
    support_write(agent->askpass, script, (size_t)length, 0700);
}

static void agent_sign_confirmed_each_time(void **state)
{
    const struct agent *agent = *state;
    CLEANUP_SIGNER struct signer *signer = NULL;
    CLEANUP_BYTES struct bytes asked = {0};
    struct error error;
    uint8_t signature[SIGNATURE_BYTES];
    answer_with(agent, "exit 0");
    assert_int_equal(ssh_add(agent, "-c", agent->key), 0);
    support_ok(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                          &signer, &error),
               &error);
    for (unsigned i = 0; i < 2; i++)
        support_ok(signer_sign(signer, "data", 4, signature, &error), &error);
    assert_int_equal(crypto_sign_verify_detached(signature, (const uint8_t *)"data", 4,
                                                 agent->public_key),
                     0);
    support_read(support_path(agent->directory, "asked"), &asked);
    const char *first = strstr((const char *)asked.data, "Allow use of key");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "Allow use of key"));
    answer_with(agent, "exit 1"); /* and once more, with a no */
    sign_refused(agent, signer, "refused to sign");
}

/* While somebody is being asked: whatever was to be signed is not. */
static void agent_dies_while_it_asks_is_told(void **state)
{
    struct agent *agent = *state;
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    answer_with(agent, "kill -KILL $PPID; exit 0");
    assert_int_equal(ssh_add(agent, "-c", agent->key), 0);
    support_ok(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                          &signer, &error),
               &error);
    sign_refused(agent, signer, "did not answer");
    int status;
    assert_int_equal(waitpid(agent->pid, &status, 0), agent->pid);
    agent->pid = 0;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (unsigned i = 0; i < 5000 && answers(agent->socket);
         i++) /* the program that was asked inherited the socket, and ends by itself */
        (void)poll(NULL, 0, 1);
    refused(agent, "no ssh-agent answers");
}

static void agent_dead_is_told_and_works_with_the_next(void **state)
{
    struct agent *agent = *state;
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    uint8_t signature[SIGNATURE_BYTES];
    assert_int_equal(ssh_add(agent, "-q", agent->key), 0);
    support_ok(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                          &signer, &error),
               &error);
    stop(agent);
    sign_refused(agent, signer, "no ssh-agent answers");
    refused(agent, "no ssh-agent answers");
    assert_int_equal(unlink(agent->socket), 0);
    refused(agent, "no ssh-agent answers");
    start(agent);
    assert_int_equal(ssh_add(agent, "-q", agent->key), 0);
    support_ok(signer_sign(signer, "data", 4, signature, &error), &error);
}

/* What a lying agent sends, to the list and to the requests after it; each connection gets the
 * next. */
static void lie(int listener, const struct bytes *answers_given, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t request[1024];
        int descriptor = accept(listener, NULL, NULL);
        if (descriptor < 0 || read(descriptor, request, 4) != 4)
            _exit(1);
        ssize_t length = (ssize_t)request[2] << 8 | request[3];
        if (recv(descriptor, request, (size_t)length, MSG_WAITALL) != length)
            _exit(1);
        if (write(descriptor, answers_given[i].data, answers_given[i].size)
            != (ssize_t)answers_given[i].size)
            _exit(1);
        (void)close(descriptor);
    }
    _exit(0);
}

static void put_list(struct bytes *answer, const uint8_t key[KEY_BYTES])
{
    struct error error;
    static const char head[] = "\0\0\0\x40\x0c\0\0\0\x01\0\0\0\x33\0\0\0\x0bssh-ed25519\0\0\0\x20";
    support_ok(bytes_append(answer, head, sizeof head - 1, &error), &error);
    support_ok(bytes_append(answer, key, KEY_BYTES, &error), &error);
    support_ok(bytes_append(answer, "\0\0\0\0", 4, &error), &error);
    support_ok(bytes_append(answer, "", 0, &error), &error);
    assert_int_equal(answer->size, 4 + 0x40);
}

static void put_signature(struct bytes *answer, const uint8_t signature[SIGNATURE_BYTES])
{
    struct error error;
    static const char head[] = "\0\0\0\x58\x0e\0\0\0\x53\0\0\0\x0bssh-ed25519\0\0\0\x40";
    support_ok(bytes_append(answer, head, sizeof head - 1, &error), &error);
    support_ok(bytes_append(answer, signature, SIGNATURE_BYTES, &error), &error);
    assert_int_equal(answer->size, 4 + 0x58);
}

/* A wrong signature, an answer that is cut and one of another type: none of them may become an
 * entry. */
static void agent_sign_wrong_answer_refused(void **state)
{
    struct agent *agent = *state;
    struct bytes given[6] = {0};
    struct error error;
    CLEANUP_SIGNER struct signer *signer = NULL;
    uint8_t signature[SIGNATURE_BYTES] = {1};
    stop(agent);
    assert_int_equal(unlink(agent->socket), 0);
    put_list(&given[0], agent->public_key);
    put_signature(&given[1], signature);
    put_signature(&given[2], signature);
    given[2].size -= 1;
    /* a list where a signature should be; then the list that is asked for */
    put_list(&given[3], agent->public_key);
    put_list(&given[4], agent->public_key);
    support_ok(bytes_append(&given[5], "\xff\xff\xff\xff", 4, &error), &error);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", agent->socket);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    agent->pid = fork();
    if (agent->pid == 0)
        lie(listener, given, 6);
    assert_int_equal(close(listener), 0);
    support_ok(agent_open(support_world(), agent->socket, agent->public_key, AGENT_PERSON_MS,
                          &signer, &error),
               &error);
    sign_refused(agent, signer, "a wrong signature");
    sign_refused(agent, signer, "did not answer");
    sign_refused(agent, signer, "refused to sign");
    sign_refused(agent, signer, "did not answer");
    int status;
    assert_int_equal(waitpid(agent->pid, &status, 0), agent->pid);
    agent->pid = 0;
    assert_int_equal(status, 0);
    for (size_t i = 0; i < 6; i++)
        bytes_free(&given[i]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(agent_sign_key_present_signs_as_the_key_itself),
        CASE(agent_open_environment_names_the_socket),
        CASE(agent_open_key_absent_refused),
        CASE(agent_locked_is_told_and_works_after_unlocking),
        CASE(agent_sign_key_removed_refused),
        CASE(agent_sign_not_confirmed_refused),
        CASE(agent_sign_confirmed_each_time),
        CASE(agent_dies_while_it_asks_is_told),
        CASE(agent_dead_is_told_and_works_with_the_next),
        CASE(agent_sign_wrong_answer_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
