#include "actions/secrets/secret_words.h"
#include "journal/format/names.h"

#include <string.h>

enum { BYTES_MIN = 4, HEX_MIN = 8, DIGITS_MIN = 12 };

/* Keys, states and answers of journal/FORMAT.md, "Evidence", and the mark itself. A blank never
 * stands inside a value that is one of them. */
static const char words[] =
    "service image state health null started_at restarts name digests sha256: created running "
    "restarting removing paused exited dead starting healthy unhealthy none "
    "policy_hash policy_version hash timestamp fields message level status ok error true false "
    "journal deployment epoch head_seq head_hash holder boot expires_ms guard absent present "
    "unknown detached armed disarmed passed failed [redacted] docker compose";

static bool is_part(const char *word, const char *value, size_t size)
{
    return word != NULL && size > 0 && memmem(word, strlen(word), value, size) != NULL;
}

static bool is_part_of_list(const char *const *items, size_t count, const char *value, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (is_part(items[i], value, size))
            return true;
    return false;
}

static bool is_in_services(const struct setup_services *services, const char *value, size_t size)
{
#define EACH(name) &services->name,
    const struct setup_patterns *const patterns[] = {PATTERNS(EACH)};
#undef EACH
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        if (is_part_of_list(patterns[i]->items, patterns[i]->count, value, size))
            return true;
    return is_part(services->execution, value, size) || is_part(services->brain, value, size)
           || is_part(services->marker, value, size);
}

/* What the operator wrote into titan.yml, which holds no secrets. */
static bool is_in_setup(const struct setup *setup, const char *value, size_t size)
{
    const char *const named[] = {setup->target.name,        setup->target.host,
                                 setup->target.user,        setup->target.directory,
                                 setup->target.state,       setup->target.docker,
                                 setup->target.docker_host, setup->compose.command,
                                 setup->compose.file,       setup->compose.env_file,
                                 setup->compose.project,    setup->repository.remote,
                                 setup->repository.branch,  setup->bus.host,
                                 setup->bus.user,           setup->bus.subject_disarm,
                                 setup->bus.subject_arm,    setup->bus.subject_policy_hash,
                                 setup->verify.script};
    if (is_part_of_list(named, sizeof named / sizeof named[0], value, size)
        || is_in_services(&setup->services, value, size)
        || is_part_of_list(setup->compose.order.items, setup->compose.order.count, value, size)
        || is_part_of_list(setup->repository.policy_files.items,
                           setup->repository.policy_files.count, value, size))
        return true;
    for (size_t i = 0; i < setup->endpoint_count; i++)
        if (is_part(setup->endpoints[i].name, value, size)
            || is_part(setup->endpoints[i].url, value, size)
            || is_part(setup->endpoints[i].service, value, size))
            return true;
    return false;
}

static size_t count_of(const char *letters, const char *value, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += value[i] != '\0' && strchr(letters, value[i]) != NULL;
    return count;
}

bool secret_word_identifies(const char *value, size_t size)
{
    static const char prefix[] = "sha256:";
    bool prefixed = size > strlen(prefix) && memcmp(value, prefix, strlen(prefix)) == 0;
    size_t skipped = prefixed ? strlen(prefix) : 0;
    size_t digits = size - skipped;
    return (digits == 64 || (digits == 40 && !prefixed))
           && count_of("0123456789abcdef", value + skipped, digits) == digits;
}

bool secret_word_fits(const struct setup *setup, const char *value, size_t size)
{
    if (size < BYTES_MIN
        || (size < HEX_MIN && count_of("0123456789abcdefABCDEF", value, size) == size)
        || (size < DIGITS_MIN && count_of("0123456789.,:-+ ", value, size) == size))
        return false;
    return !is_part(words, value, size) && !is_in_setup(setup, value, size);
}
