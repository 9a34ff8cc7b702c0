/* tests/world/titan: the target of a scripted world: a small Titan with its images, containers,
 * repository, files and logs.
 * Knows:     what Execution, Brain and any other service say and do, and when
 *            (shared facts: the bus, the log lines, the order of a start); what compose, docker and
 *            git answer to the words that actions/ sends. Nothing of the driver.
 * Time:      each service does what is due whenever the timeline moves (titan_pass).
 * Ownership: all of it lies in one arena. */
#ifndef WORLD_TITAN_H
#define WORLD_TITAN_H

#include "journal/format/bytes.h"
#include "tests/world/files.h"
#include "tests/world/sh.h"
#include "tests/world/timeline.h"

enum {
    TITAN_IMAGES_MAX = 48,
    TITAN_CONTAINERS_MAX = 160,
    TITAN_COMMITS_MAX = 24,
    TITAN_TRACKED_MAX = 8,
    TITAN_RECEIVED_MAX = 512,
    TITAN_EVENTS_MAX = 32,
    TITAN_HUNG_START = 77 /* of `hung`, as /proc/PID/stat tells it */
};

#define TITAN_DIRECTORY "/opt/titan"
#define TITAN_LOCK TITAN_DIRECTORY "/state/deploy.lock"
#define TITAN_COMPOSE_FILE "docker-compose.prod.yml"
#define TITAN_ENV_FILE ".env.prod"
#define TITAN_POLICY_FILE "config/risk_policy.json"

enum titan_fault {
    FAULT_UNHEALTHY = 1 << 0,    /* /health and the container's own check */
    FAULT_EXITS = 1 << 1,        /* it ends right after its start */
    FAULT_MUTE = 1 << 2,         /* no start-up lines */
    FAULT_NO_RESPONDER = 1 << 3, /* Execution does not answer for its policy hash */
    FAULT_DEAF_DISARM = 1 << 4,  /* Execution does not hear it */
    FAULT_DEAF_ARM = 1 << 5,
    FAULT_STARTS_ARMED = 1 << 6,
    FAULT_NO_HANDSHAKE = 1 << 7, /* Brain prints no line of it */
    FAULT_PANIC = 1 << 8,        /* an error line at the start */
    FAULT_NO_UP = 1 << 9,        /* compose cannot start it */
    FAULT_NO_PULL = 1 << 10,     /* the registry does not give it */
    FAULT_ODD_REPLY = 1 << 11    /* the responder's answer names no hash */
};

/* How Docker keeps images: the store of old, where an id is the configuration; containerd's, with
 * what BuildKit or the legacy builder makes; and that of Docker 26, which tells no manifest. */
enum titan_store { STORE_CLASSIC = 0, STORE_BUILDKIT, STORE_LEGACY, STORE_UNTOLD, TITAN_STORES };

struct titan_image {
    const char *id, *digest;          /* sha256:..., name@sha256:... ("" = no registry has it) */
    const char *name;                 /* without tag */
    const char *manifest;             /* of this platform; the id where the store has no others */
    const struct titan_image *source; /* what it was built from, NULL = it is the registry's */
    bool lost;   /* its record went when its tag moved, although containers may run from it */
    bool loaded; /* it is here without a name */
    char policy[SHA256_HEX + 1]; /* that it was made with */
    unsigned faults;
};

/* A tag, and what it means here and in the registry. */
struct titan_tag {
    const char *name;
    const struct titan_image *here, *there;
    struct titan_tag *next;
};

struct titan_line {
    char utc[UTC_LENGTH + 1];
    const char *text;
    struct titan_line *next;
};

struct titan_container {
    const char *id, *name, *service, *project, *hash, *address;
    const struct titan_image *image;
    bool there, running, armed, marker, answers, healthy;
    const char *armed_by; /* the payload of the ARM that its marker is of */
    int restarts, stage;  /* stage: how much of its start has been done */
    int exit_code;        /* of its last end */
    int64_t created_ns, started_ns, finished_ns;
    struct titan_line *log, **log_end;
};

struct titan_commit {
    char hash[41];
    const struct titan_commit *parent;
    const char *subject;
    struct {
        const char *name, *text;
    } tracked[TITAN_TRACKED_MAX];
    size_t tracked_count;
};

struct titan;
struct titan_event {
    int64_t at_ns;
    void (*act)(struct titan *titan, void *context);
    void *context;
};

struct titan {
    struct arena arena;
    struct timeline *timeline;
    struct files files;
    uint64_t seed; /* of ids */
    unsigned count;
    unsigned lines;    /* that were run */
    int64_t passed_ns; /* everything that was due until then has happened */
    struct titan_image images[TITAN_IMAGES_MAX];
    size_t image_count;
    struct titan_tag *tags;
    struct titan_container containers[TITAN_CONTAINERS_MAX];
    size_t container_count;
    struct titan_commit commits[TITAN_COMMITS_MAX];
    size_t commit_count;
    const struct titan_commit *origin, *remote, *main,
        *head; /* origin's branch, ours of it, main */
    bool detached;
    struct titan_event events[TITAN_EVENTS_MAX]; /* of strangers, in any order */
    size_t event_count;
    int64_t handshake_ms; /* from Brain's start to its question */
    int64_t start_ms;     /* from the start of web until its own check is good */
    int64_t loading_ms;   /* from Execution's start, while its responder answers an error */
    bool docker_down, git_down, bus_down, registry_down;
    enum titan_store store; /* set before titan_install() */
    bool by_manifest;       /* compose leaves a container alone while its manifest is the same */
    bool builds_web;        /* the compose file has no image of web, but `build:` */
    struct {     /* the last command of an earlier driver, which does not end by itself */
        int pid; /* its group's leader; 0 = there is none */
        bool ended;
    } hung;
    struct {              /* titan_guard.c */
        bool lives, busy; /* busy: a round of it runs */
        unsigned start;   /* field 22 of its stat */
        int64_t not_before_ns;
    } guard;
    const char *broken; /* "docker create", "git checkout": this one fails; NULL = none */
    struct {            /* what happened, for whoever counts */
        const char *received[TITAN_RECEIVED_MAX]; /* "ARM <payload>", in order */
        size_t received_count;
        unsigned merges, restores;
        const char *starts[TITAN_CONTAINERS_MAX * 4]; /* services, in order */
        size_t start_count;
    } seen;
};

void titan_open(struct titan *titan, struct timeline *timeline, uint64_t seed);
void titan_close(struct titan *titan);
/* What is due until the timeline's now. */
void titan_pass(struct titan *titan);
void titan_at(struct titan *titan, int64_t at_ns, void (*act)(struct titan *, void *),
              void *context);
bool titan_is_broken(const struct titan *titan, const char *program, const char *word);
char *titan_id(struct titan *titan); /* 64 hex digits, never the same */

/* titan_run.c: one line for `sh -c`; the exit status. */
int titan_run(struct titan *titan, struct arena *arena, const char *line, const void *input,
              size_t input_size, struct grow *ret_output, struct grow *ret_errors);

/* titan_service.c */
void titan_start(struct titan *titan, struct titan_container *container);
void titan_restart(struct titan *titan, struct titan_container *container); /* it died by itself */
void titan_log(struct titan *titan, struct titan_container *container, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A bus message, ARM or DISARM: each running Execution hears it. */
void titan_receive(struct titan *titan, bool arm, const char *payload, size_t size);
/* The moment of a container's next act, INT64_MAX = none; and that act. */
int64_t titan_next_ns(const struct titan *titan, const struct titan_container *container);
void titan_act(struct titan *titan, struct titan_container *container);
/* The running container of a service, NULL = none. */
struct titan_container *titan_running(struct titan *titan, const char *service);
bool titan_is_healthy(const struct titan_container *container);
bool titan_policy_reply(struct titan *titan, char *ret_reply, size_t size);

/* titan_guard.c: when it has something to do, INT64_MAX = not by itself; and a round of its loop.
 */
int64_t titan_guard_next_ns(struct titan *titan);
void titan_guard_round(struct titan *titan);
bool titan_guard_has_fired(struct titan *titan);
int titan_guard_pid(const struct titan *titan); /* 0 = it does not live */

/* titan_docker.c, titan_images.c, titan_compose.c, titan_git.c: programs */
sh_tool_function titan_docker, titan_compose, titan_git, titan_setsid;
int titan_images(struct sh *shell, struct titan *titan, int count, char **words);
struct titan_tag *titan_tag(struct titan *titan, const char *name); /* made where it is not there */
const struct titan_image *titan_image(struct titan *titan, const char *reference);
/* The name means this image from now on; the record of the one before may be lost with it. */
void titan_name(struct titan *titan, const char *name, const struct titan_image *image, bool built);
/* What compose builds for a service from the sources that are published for it. */
const struct titan_image *titan_make(struct titan *titan, const char *name,
                                     const struct titan_image *source);
/* docker image prune -a: what no container uses. */
void titan_prune(struct titan *titan);
struct titan_container *titan_create(struct titan *titan, const char *project, const char *service,
                                     const char *name, const struct titan_image *image,
                                     const char *hash);
struct titan_image *titan_build(struct titan *titan, const char *name, const char *policy,
                                unsigned faults); /* into the registry, as NAME:latest */
struct titan_commit *titan_commit(struct titan *titan, const char *subject); /* onto origin */
void titan_track(struct titan *titan, struct titan_commit *commit, const char *name,
                 const char *text);
void titan_check_out(struct titan *titan, const struct titan_commit *commit);

/* titan_stack.c: the stack that the tests begin with: three services, up and armed. */
void titan_install(struct titan *titan, bool armed);
/* What its compose file has besides: further keys of web, then further services. It is up then. */
void titan_extend(struct titan *titan, const char *more);
/* A commit of its own with new images of all three services. */
struct titan_release {
    const char *subject;
    const char *project;      /* as the compose file names it from now on; NULL = as it is */
    const char *policy;       /* NULL = as it is; else the text of the policy file too */
    const char *brain_policy; /* that Brain was made with; NULL = the same */
    unsigned execution_faults, brain_faults, web_faults;
    bool web_unchanged; /* its image is that of the release before */
};
void titan_publish(struct titan *titan, const struct titan_release *release);
/* The images that were published last have these faults, and Brain's this policy. */
void titan_spoil(struct titan *titan, const struct titan_release *release);

#endif
