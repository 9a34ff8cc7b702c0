/* tests/stack/standin: `docker` and `docker-compose` without Docker. The same service binary runs
 * as plain processes; images, names, registry and containers are directories below one state
 * directory.
 * Knows:     the invocations that actions/compose/compose.h lists, what Docker 20.10 and
 *            docker-compose 1.29 answer to them, and a few more for tests.
 * State:     STATE/images/<hex>/{image.json,root/}  STATE/names.json  STATE/registry/
 *            STATE/history.log STATE/containers/<id>/{container.json,state.json,root/,log,alive}
 *            Writers hold the flock of STATE/lock; every file is replaced by rename, so readers
 *            take no lock (as `docker ps` waits for nobody).
 * Processes: one supervisor a container, in a session of its own; it holds the flock of `alive`, so
 *            a pid on record is known to be its own.
 * Ownership: a command lives for milliseconds; what it allocates is left to its end. Every function
 *            here ends the program on a fault of the machine. */
#ifndef STACK_STANDIN_H
#define STACK_STANDIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STANDIN_ID_HEX = 64, STANDIN_WORDS_MAX = 64 };

/* standin_state.c */
void state_open(void);
void state_lock(void);
const char *state_self(void);
char *state_path(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
json_t *state_read(const char *path); /* NULL = not there */
void state_write(const char *path, const json_t *value);
char *state_random_id(void);
char *state_sha256(const char *data);
char *state_time_now(void); /* RFC 3339 with nanoseconds, as Docker prints it */
const char *state_string(const json_t *object, const char *key); /* "" when it is not there */
json_t *state_object(json_t *object, const char *key);           /* made when it is not there */
void state_note(const char *what, const char *id,
                const char *name); /* one line into STATE/history.log, by which tests count */
int state_run(char *const *words); /* exit status of a program found by PATH */

/* standin_tree.c */
void tree_make(const char *path);
void tree_make_parents(const char *path);
void tree_copy(const char *from, const char *to, bool link);
void tree_remove(const char *path);
char *tree_hash(const char *path);

/* standin_image.c */
char *image_full_name(const char *name); /* with ":latest" where no tag is given */
char *image_find(const char *reference); /* "sha256:<hex>", NULL = no such image */
json_t *image_inspect(const char *id);
char *image_store(const json_t *config, const char *root);
void image_tag(const char *id, const char *name);
bool image_pull(const char *name, char **ret_error);
void image_push(const char *name);
void image_untag(const char *reference);
void image_save(const char *file, const char *reference);
void image_load(const char *file);

/* standin_build.c */
char *build_image(const char *dockerfile, const char *context, const char *name);

/* standin_container.c */
struct container_plan {
    const char *name, *image_name, *restart;
    json_t *environment, *labels, *command, *entrypoint,
        *check; /* arrays and objects, NULL = the image's */
};
char *container_create(const struct container_plan *plan, const char *image_id);
char *container_find(const char *reference); /* id, NULL = no such container */
json_t *container_list(void);                /* array of ids, newest first */
json_t *container_inspect(const char *id);
bool container_runs(const char *id);
void container_start(const char *id);
void container_stop(const char *id, int64_t grace_ms);
void container_remove(const char *id);
int container_exec(const char *id, char *const *words);
char *const *container_environment(const char *id);
const char *container_label(const json_t *container, const char *label);

/* standin_supervise.c */
int supervise(const char *id);

/* standin_logs.c */
int logs_print(const char *id, const char *since, long tail, bool timestamps);
int logs_copy(const char *id, const char *path);

/* standin_model.c */
json_t *model_load(const char *const *files, size_t file_count, const char *env_file);
json_t *model_list(const json_t *value); /* a mapping, list or word as a list of words */
void model_print(const json_t *model);

/* standin_docker.c, standin_compose.c */
int docker_run(int count, char **words);
int compose_run(int count, char **words);

#endif
