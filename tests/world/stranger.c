#include "tests/world/stranger.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char OTHER_HASH[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static const char HANDSHAKE[] = "\xE2\x9C\x85 Policy hash handshake OK. Enabling signal "
                                "processing. Hash: ";
static const char ENV_PATH[] = TITAN_DIRECTORY "/" TITAN_ENV_FILE;
static const char ENV_MORE[] = "STRANGE=1\n";

static bool arms(struct scripted *world)
{
    titan_receive(&world->titan, true, STRANGER_NONCE, strlen(STRANGER_NONCE));
    return true;
}

static bool disarms(struct scripted *world)
{
    size_t before = world->titan.seen.received_count;
    titan_receive(&world->titan, false, STRANGER_NONCE, strlen(STRANGER_NONCE));
    return world->titan.seen.received_count > before;
}

static bool disarms_by_command(struct scripted *world)
{
    return person_runs(world, "disarm --reason stranger") == 0;
}

static bool restarts(struct scripted *world, const char *service)
{
    struct titan_container *container = titan_running(&world->titan, service);
    if (container != NULL)
        titan_restart(&world->titan, container);
    return container != NULL;
}

static bool restarts_execution(struct scripted *world)
{
    return restarts(world, "titan-execution");
}

static bool restarts_brain(struct scripted *world)
{
    return restarts(world, "titan-brain");
}

static bool restarts_web(struct scripted *world)
{
    return restarts(world, "web");
}

static bool restarts_armed(struct scripted *world)
{
    struct titan_container *execution = titan_running(&world->titan, "titan-execution");
    if (execution == NULL)
        return false;
    if (!execution->marker)
        execution->armed_by = STRANGER_NONCE;
    execution->marker = true;
    titan_restart(&world->titan, execution);
    return true;
}

static bool starts_second(struct scripted *world, const char *service)
{
    struct titan *titan = &world->titan;
    const struct titan_container *first = titan_running(titan, service);
    char name[64];
    if (first == NULL)
        return false;
    (void)snprintf(name, sizeof name, "titan_%s_2", service);
    titan_start(titan, titan_create(titan, first->project, first->service, name, first->image,
                                    first->hash));
    return true;
}

static bool starts_execution(struct scripted *world)
{
    return starts_second(world, "titan-execution");
}

static bool starts_brain(struct scripted *world)
{
    return starts_second(world, "titan-brain");
}

static bool tags_web(struct scripted *world)
{
    struct titan *titan = &world->titan;
    titan_tag(titan, "registry.test/web:latest")->here = titan_build(titan, "registry.test/web", "",
                                                                     0);
    return true;
}

static bool tags_execution(struct scripted *world)
{
    struct titan *titan = &world->titan;
    titan_tag(titan, "registry.test/execution:latest")->here =
        titan_build(titan, "registry.test/execution", "a policy of a stranger", 0);
    return true;
}

/* To what stands at the origin, or back to what was installed. */
static bool moves_tree(struct scripted *world)
{
    struct titan *titan = &world->titan;
    titan_check_out(titan, titan->head == titan->origin ? titan->origin->parent : titan->origin);
    return true;
}

static bool edits_env(struct scripted *world)
{
    char text[1024];
    const struct file *file = files_find(&world->titan.files, ENV_PATH);
    int size = snprintf(text, sizeof text, "%.*s%s", (int)file->content.size,
                        (const char *)file->content.data, ENV_MORE);
    (void)files_put(&world->titan.files, ENV_PATH, 0600, text, (size_t)size);
    return true;
}

static bool brain_says(struct scripted *world, const char *message)
{
    struct titan_container *brain = titan_running(&world->titan, "titan-brain");
    if (brain == NULL)
        return false;
    titan_log(&world->titan, brain, "%s", message);
    return true;
}

static bool brain_fails(struct scripted *world)
{
    return brain_says(world, "\xF0\x9F\x9A\xA8 CRITICAL: Policy hash handshake FAILED. Timeout");
}

static bool brain_demoted(struct scripted *world)
{
    return brain_says(world, "Brain demoted to FOLLOWER");
}

static bool brain_says_hash(struct scripted *world, const char *hash, int digits, const char *end)
{
    char message[256];
    (void)snprintf(message, sizeof message, "%s%.*s%s", HANDSHAKE, digits, hash, end);
    return brain_says(world, message);
}

/* The hash of the Execution that runs now. */
static const char *hash_now(struct scripted *world)
{
    const struct titan_container *execution = titan_running(&world->titan, "titan-execution");
    return execution != NULL ? execution->image->policy : NULL;
}

static bool brain_other_hash(struct scripted *world)
{
    return brain_says_hash(world, OTHER_HASH, SHA256_HEX, "");
}

static bool brain_upper_case(struct scripted *world)
{
    char upper[SHA256_HEX + 1] = "";
    const char *hash = hash_now(world);
    for (size_t i = 0; hash != NULL && i < SHA256_HEX; i++)
        upper[i] = (char)toupper((unsigned char)hash[i]);
    return hash != NULL && brain_says_hash(world, upper, SHA256_HEX, "");
}

static bool brain_shortened(struct scripted *world)
{
    const char *hash = hash_now(world);
    return hash != NULL && brain_says_hash(world, hash, 8, "...");
}

static bool brain_other_shortened(struct scripted *world)
{
    return brain_says_hash(world, OTHER_HASH, 8, "...");
}

static bool brain_bare(struct scripted *world)
{
    return brain_says(world, "\xE2\x9C\x85 Policy hash handshake OK");
}

void stranger_mends_files(struct scripted *world)
{
    struct titan *titan = &world->titan;
    const struct file *file = files_find(&titan->files, ENV_PATH);
    const char *more = memmem(file->content.data, file->content.size, ENV_MORE, strlen(ENV_MORE));
    if (more != NULL)
        (void)files_put(&titan->files, ENV_PATH, 0600, file->content.data,
                        (size_t)(more - (const char *)file->content.data));
    titan_check_out(titan, titan->origin->parent);
}

static const struct stranger strangers[] = {
    {"arms", STRANGER_ARMS, arms},
    {"disarms", STRANGER_DISARMS, disarms},
    {"disarms by command", STRANGER_DISARMS, disarms_by_command},
    {"restarts Execution", STRANGER_HARMLESS, restarts_execution},
    {"restarts Execution armed", STRANGER_ARMS, restarts_armed},
    {"restarts Brain", STRANGER_HARMLESS, restarts_brain},
    {"restarts web", STRANGER_HARMLESS, restarts_web},
    {"starts a second Execution", STRANGER_HARMLESS, starts_execution},
    {"starts a second Brain", STRANGER_HARMLESS, starts_brain},
    {"tags another web", STRANGER_CHANGES_IMAGES, tags_web},
    {"tags another Execution", STRANGER_CHANGES_IMAGES, tags_execution},
    {"moves the tree", STRANGER_EDITS_FILES, moves_tree},
    {"edits the env file", STRANGER_EDITS_FILES, edits_env},
    {"Brain fails", STRANGER_TURNS_BRAIN, brain_fails},
    {"Brain is demoted", STRANGER_TURNS_BRAIN, brain_demoted},
    {"Brain names another hash", STRANGER_TURNS_BRAIN, brain_other_hash},
    {"Brain names it in upper case", STRANGER_HARMLESS, brain_upper_case},
    {"Brain names it shortened", STRANGER_HARMLESS, brain_shortened},
    {"Brain names another shortened", STRANGER_TURNS_BRAIN, brain_other_shortened},
    {"Brain names none", STRANGER_HARMLESS, brain_bare},
};

const struct stranger *stranger_list(size_t *ret_count)
{
    *ret_count = sizeof strangers / sizeof strangers[0];
    return strangers;
}
