/* tests/world/titan_stack: what the target of a test looks like before it, and what is published
 * for it. */
#include "tests/world/titan.h"

#include <stdlib.h>
#include <string.h>

static const char COMPOSE_TEXT[] = "version: \"3.8\"\n"
                                   "services:\n"
                                   "  titan-execution:\n"
                                   "    image: registry.test/execution:${TITAN_TAG:-latest}\n"
                                   "    environment:\n"
                                   "      MODE: ${TITAN_MODE:?TITAN_MODE required}\n"
                                   "  titan-brain:\n"
                                   "    image: registry.test/brain:${TITAN_TAG:-latest}\n"
                                   "  web:\n";
static const char WEB_PULLED[] = "    image: registry.test/web:${TITAN_TAG:-latest}\n",
                  WEB_BUILT[] = "    build: .\n";
static const char ENV_TEXT[] = "TITAN_MODE=production\n"
                               "TITAN_MASTER_PASSWORD=0123456789abcdef0123456789abcdef\n";
static const char VERIFY_TEXT[] = "echo verified\n";
static const char *const image_names[] = {"registry.test/execution", "registry.test/brain",
                                          "registry.test/web"};
enum { IMAGES_OF_RELEASE = sizeof image_names / sizeof image_names[0] };
static const char FIRST_POLICY[] = "{\"max_position\": 1}\n";
static const char UP[] = "cd " TITAN_DIRECTORY " && docker-compose -p titan -f " TITAN_COMPOSE_FILE
                         " --env-file " TITAN_ENV_FILE " up -d";

static const char *compose_text(const struct titan *titan, struct arena *arena, const char *first,
                                const char *more)
{
    return arena_text(arena, "%s%s%s%s", first, COMPOSE_TEXT,
                      titan->builds_web ? WEB_BUILT : WEB_PULLED, more);
}

void titan_extend(struct titan *titan, const char *more)
{
    struct arena arena = {0};
    struct grow output, errors;
    struct titan_commit *commit = titan_commit(titan, "the stack has more");
    titan_track(titan, commit, TITAN_COMPOSE_FILE, compose_text(titan, &arena, "", more));
    titan_check_out(titan, commit);
    titan->remote = titan->main = commit;
    if (titan_run(titan, &arena, UP, "", 0, &output, &errors) != 0)
        abort();
    arena_free(&arena);
    timeline_move(titan->timeline, titan->timeline->now_ns + 20000000000);
}

static const char *policy_of(const struct titan_commit *commit)
{
    for (size_t i = 0; commit != NULL && i < commit->tracked_count; i++)
        if (strcmp(commit->tracked[i].name, TITAN_POLICY_FILE) == 0)
            return commit->tracked[i].text;
    return FIRST_POLICY;
}

void titan_publish(struct titan *titan, const struct titan_release *release)
{
    const char *policy = release->policy != NULL ? release->policy : policy_of(titan->origin);
    struct titan_commit *commit = titan_commit(titan, release->subject);
    titan_track(titan, commit, "VERSION", release->subject);
    titan_track(titan, commit, TITAN_POLICY_FILE, policy);
    if (release->project != NULL) {
        struct arena arena = {0};
        titan_track(titan, commit, TITAN_COMPOSE_FILE,
                    compose_text(titan, &arena, arena_text(&arena, "name: %s\n", release->project),
                                 ""));
        arena_free(&arena);
    }
    for (size_t i = 0; i < IMAGES_OF_RELEASE - (release->web_unchanged ? 1 : 0); i++)
        (void)titan_build(titan, image_names[i], policy, 0);
    titan_spoil(titan, release);
}

void titan_spoil(struct titan *titan, const struct titan_release *release)
{
    size_t made = IMAGES_OF_RELEASE - (release->web_unchanged ? 1 : 0);
    struct titan_image *images = &titan->images[titan->image_count - made];
    const char *policy = release->brain_policy;
    images[0].faults = release->execution_faults;
    images[1].faults = release->brain_faults;
    if (!release->web_unchanged)
        images[2].faults = release->web_faults;
    if (policy != NULL)
        bytes_sha256_hex(policy, strlen(policy), images[1].policy);
}

void titan_install(struct titan *titan, bool armed)
{
    struct arena arena = {0};
    struct grow output, errors;
    files_make_directory(&titan->files, "/opt");
    files_make_directory(&titan->files, TITAN_DIRECTORY);
    (void)files_put(&titan->files, TITAN_DIRECTORY "/" TITAN_ENV_FILE, 0600, ENV_TEXT,
                    strlen(ENV_TEXT));
    titan_publish(titan, &(struct titan_release){.subject = "first"});
    struct titan_commit *commit = titan_commit(titan, "as it was installed");
    titan_track(titan, commit, TITAN_COMPOSE_FILE, compose_text(titan, &arena, "", ""));
    titan_track(titan, commit, "verify.sh", VERIFY_TEXT);
    titan_check_out(titan, commit);
    titan->remote = titan->main = commit;
    if (titan_run(titan, &arena, UP, "", 0, &output, &errors) != 0)
        abort();
    arena_free(&arena);
    timeline_move(titan->timeline, titan->timeline->now_ns + 20000000000);
    if (armed)
        titan_receive(titan, true, "by hand, before", strlen("by hand, before"));
    timeline_move(titan->timeline, titan->timeline->now_ns + 20000000000);
}
