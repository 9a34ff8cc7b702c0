/* actions/checklist/check: what every probe of the checklist is given, and how it answers. Each
 * family of probes has its file: check_*.c. Inside actions/ only.
 * Knows:     one run of the checklist: its target, what several probes share, the answers so far;
 *            not which items are mandatory.
 * Secrets:   foreign bytes are redacted, the tool's own words never: a redacted sentence that a
 *            reader can guess shows them the value that was removed. So our own sentences go
 *            through check_say(), with check_foreign() around each piece that came from elsewhere;
 *            the output of the other side as a whole goes through check_answer(). A script prints
 *            code words and figures that are read raw (check_run), and the sentence is made of them
 *            here. Names are not values: those of variables, services, keys and files, as titan.yml
 *            and the compose file call them.
 * Answer:    exactly one for each item, in words that name the line to change (file:line) where
 *            there is one, and never a secret. A probe that lacks its own setting is
 *            PREFLIGHT_UNDECIDED and names the setting: a person attests then.
 * Errors:    only what leaves the question open (unreachable, memory, the host's key); every fault
 *            of the target is an answer. */
#ifndef ACTIONS_CHECK_H
#define ACTIONS_CHECK_H

#include "actions/target/target.h"

/* As in the evidence, where 0 is "passed". */
enum preflight_status {
    PREFLIGHT_INVALID = -1,
    PREFLIGHT_PASSED = 0,
    PREFLIGHT_FAILED = 1,
    PREFLIGHT_UNDECIDED = 2
};

struct compose_view;
struct running;

enum { CHECK_FOREIGN_MAX = 8 };

struct checklist {
    struct target *target;
    struct evidence *evidence;
    /* compose_view.h; opened by the first probe that asks (check_view), closed with the run */
    struct compose_view *view;
    struct running *running; /* running.h; the same (check_running) */
    struct error view_error; /* why there is none; its code is ERROR_OK until it was tried */
    const char *view_item;   /* the item that said so */
};

struct check {
    struct checklist *list;
    struct target *target; /* list->target */
    const struct setup_check *item;
    int64_t began_ns;                        /* driver's boot clock */
    struct bytes foreign[CHECK_FOREIGN_MAX]; /* check_foreign()'s, the next one to be used again */
    size_t next_foreign;
    struct target_span span; /* of the last command that the probe ran there, where it notes it */
    enum preflight_status status; /* of the answer; PREFLIGHT_INVALID until there is one */
};

/* The answer in foreign words: all of `text` is redacted. */
enum error_code check_answer(struct check *check, enum preflight_status status, const char *text,
                             struct error *error) CHECKED;
/* The answer in our own words, recorded unchanged. Allowed are the format's own words, names and
 * figures of titan.yml, names of the compose file, numbers, fixed texts of a library; everything
 * else through check_foreign(). */
enum error_code check_say(struct check *check, enum preflight_status status, struct error *error,
                          const char *format, ...) CHECKED __attribute__((format(printf, 4, 5)));
/* A foreign piece, redacted before it is truncated: a path, a user, a header. Valid until
 * CHECK_FOREIGN_MAX more were made; only the mark where memory is short. */
const char *check_foreign(struct check *check, const char *text);
/* Runs a script on the target. Its status decides (0 passes), and its output is the answer. */
enum error_code check_by_script(struct check *check, const char *script, struct error *error)
    CHECKED;
/* Runs a script for its output, and notes the span. The output is raw, because a redacted code word
 * would reveal a value of the env file: it is read here, and repeated only by check_foreign(). */
enum error_code check_run(struct check *check, const struct text *script,
                          struct target_result *ret_result, struct error *error) CHECKED;

/* The faults that a probe found, one line each. The rule of check_say() holds for each. */
struct complaints {
    struct bytes text;
    size_t count;
};
enum error_code complaints_add(struct complaints *complaints, struct error *error,
                               const char *format, ...) CHECKED
    __attribute__((format(printf, 3, 4)));
void complaints_free(struct complaints *complaints);
#define CLEANUP_COMPLAINTS __attribute__((cleanup(complaints_free)))

/* Whether the error leaves the question open, so that the probe ends with it. Every other error is
 * an answer. */
bool check_leaves_open(enum error_code code);
/* Id of the first checklist item of `kind` that reports the shared cause; "" where the list has
 * none or this is it. */
const char *check_item_of(const struct check *check, enum check_kind kind);
/* The configuration, rendered once in each run. *ret_view NULL: it does not render, and that answer
 * was given; only one item gives the reason. */
enum error_code check_view(struct check *check, const struct compose_view **ret_view,
                           struct error *error) CHECKED;
/* The same without an answer; NULL where there is none. */
const struct compose_view *check_view_if_any(struct check *check);
/* What runs, asked once in each run; *ret_running NULL as above. */
enum error_code check_running(struct check *check, const struct running **ret_running,
                              struct error *error) CHECKED;
/* The content of token_file; *ret_token stays empty where none is configured, or where the file is
 * wrong and the answer was given. bytes_free() wipes it. */
enum error_code check_token(struct check *check, struct bytes *ret_token, struct error *error)
    CHECKED;
void check_forget(struct check *check); /* for preflight.c, after the item was answered */
/* PREFLIGHT_UNDECIDED: the probe lacks this setting of its item. */
enum error_code check_no_setting(struct check *check, const char *setting, struct error *error)
    CHECKED;

/* check_env.c and check_values.c: the env file and the repository */
enum error_code check_env_key_length(struct check *check, struct error *error) CHECKED;
enum error_code check_env_file_mode(struct check *check, struct error *error) CHECKED;
enum error_code check_env_committed(struct check *check, struct error *error) CHECKED;
enum error_code check_password_text(struct check *check, struct error *error) CHECKED;
/* check_compose.c: the rendered configuration */
enum error_code check_compose_renders(struct check *check, struct error *error) CHECKED;
enum error_code check_env_same(struct check *check, struct error *error) CHECKED;
/* check_socket.c */
enum error_code check_docker_socket(struct check *check, struct error *error) CHECKED;
/* check_ports.c */
enum error_code check_ports(struct check *check, struct error *error) CHECKED;
/* check_web.c, check_websocket.c: as the operator's browser would */
enum error_code check_https(struct check *check, struct error *error) CHECKED;
enum error_code check_websocket(struct check *check, struct error *error) CHECKED;
enum error_code check_download(struct check *check, struct error *error) CHECKED;
/* check_operations.c: what runs beside the services */
enum error_code check_heartbeat(struct check *check, struct error *error) CHECKED;
enum error_code check_logs(struct check *check, struct error *error) CHECKED;
/* check_backups.c */
enum error_code check_backups(struct check *check, struct error *error) CHECKED;

#endif
