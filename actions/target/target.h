/* actions/target/target: a machine on which commands run and from which ports can be reached: this
 * one, or one reached by ssh.
 * Knows:     how a command travels, its deadline, its cap, and the clocks around it; not what it
 *            means.
 * Secrets:   bytes are redacted where they come into the process, whole and before anything reads
 *            them: here what a command printed, by target_redact() what came by another way. So
 *            what is judged, recorded and printed are the same bytes, and a verifier judges what
 *            the driver judged.
 * World:     world->target opens the backend (target_backend.h): process.c or ssh.c, or what a
 *            simulation provides. The world is borrowed and lent on by target_world().
 * Deadlines: on the driver's boot clock, and again on the target (`timeout -k 2`), so that an
 *            abandoned command ends.
 * Lost link: a command that had been sent and whose outcome did not come back is ERROR_UNREACHABLE;
 *            this layer never sends one twice. */
#ifndef ACTIONS_TARGET_H
#define ACTIONS_TARGET_H

#include "actions/secrets/redact.h"
#include "actions/target/command.h"
#include "actions/target/setup.h"
#include "journal/format/world.h"

enum { PROJECT_NAME_MAX = 64 };

struct target;
struct secrets;
struct heard;
struct target_forward;

/* Connected, and with the secrets of its env file and of this machine read (secrets.h). */
enum error_code target_open(const struct setup *setup, const struct world *world,
                            struct target **ret_target, struct error *error) CHECKED;
void target_close(struct target *target);
/* From now on no command lasts longer than until then, on the boot clock; 0 = each has its own time
 * again. */
void target_limit(struct target *target, int64_t until_ns);
/* The process group of a command of our own that hung, and was ended by a command since the last
 * question; 0 = none. */
long target_take_ended(struct target *target);
/* SHA256:... of the host key that was checked, "" for local. */
const char *target_host_key(const struct target *target);
const struct setup *target_setup(const struct target *target);
const struct world *target_world(const struct target *target);
const struct clock *target_clock(const struct target *target); /* of its world */
/* What the driver has heard of the two services so far (actions/heard.h): borrowed, NULL = nothing.
 */
void target_remember(struct target *target, const struct heard *heard);
const struct heard *target_heard(const struct target *target);
/* compose.project, or the name that was found (actions/compose/compose_project.h); "" = not known
 * yet.
 */
const char *target_project(const struct target *target);
void target_know_project(struct target *target, const char *name);
/* As they were read when the connection was made. */
const struct secrets *target_secrets(const struct target *target);
/* To be taught what more there is (secrets_learn()). */
struct secrets *target_learns(struct target *target);
/* What bus_address.h read of this machine for the bus: PEM texts, wiped with the target. */
struct target_bus_files {
    struct bytes authorities, certificate, key;
};
struct target_bus_files *target_bus_files(struct target *target);
/* For foreign bytes that did not come through target_run(): a body, a reply, a frame. */
enum error_code target_redact(const struct target *target, enum redact_level level,
                              struct bytes *text, struct error *error) CHECKED;
/* A file of the state directory, absolute; the second one quoted for a script. */
void target_add_state_path(struct text *path, const struct target *target, const char *name);
void target_add_quoted_state_path(struct text *script, const struct target *target,
                                  const char *name);

/* ERROR_OK whenever an exit status came back, zero or not. ERROR_HELD: the flock or the epoch
 * refused (nothing was run). */
enum error_code target_run(struct target *target, const struct target_command *command,
                           struct target_result *ret_result, struct error *error) CHECKED;
/* target_run() and evidence_add() in one: `probe`, `subject`, status and standard output. Where
 * ret_status is NULL, another status than 0 is ERROR_REMOTE, with the item added. */
enum error_code target_probe(struct target *target, const struct target_command *command,
                             const char *probe, const char *subject, struct evidence *evidence,
                             int *ret_status, struct error *error) CHECKED;

/* As long as there is one, an act (target_probe() with ret_status) is not sent but given to it, as
 * if it had succeeded: so a plan is written of what would be sent. */
struct target_collector {
    enum error_code (*take)(void *context, const struct target_command *command,
                            const char *subject, struct error *error);
    void *context;
};
void target_collect(struct target *target, const struct target_collector *collector);

/* A way to host:port as seen from the target. Local: the address itself. Over ssh: a loopback
 * listener that takes exactly one connection (closed when it was accepted) and a thread with an ssh
 * session of its own. */
enum error_code target_forward_open(struct target *target, const char *host, int port,
                                    struct target_forward **ret_forward, struct error *error)
    CHECKED;
const char *target_forward_host(const struct target_forward *forward);
int target_forward_port(const struct target_forward *forward);
void target_forward_close(struct target_forward *forward);

#endif
