/* What the rendered configuration itself decides: every variable is set, and one secret is the same
 * wherever it is needed. */
#include "actions/checklist/check.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "actions/compose/compose_render.h"
#include "journal/format/text.h"

/* Execution or Brain, where it is not declared with one container; NULL where both are. */
static const struct compose_service *find_not_single(const struct check *check,
                                                     const struct compose_view *view)
{
    const struct setup_services *services = &target_setup(check->target)->services;
    const char *const names[] = {services->execution, services->brain};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct compose_service *found = compose_view_service(view, names[i]);
        if (found != NULL && found->replicas != 1)
            return found;
    }
    return NULL;
}

enum error_code check_compose_renders(struct check *check, struct error *error)
{
    const struct compose_view *view;
    enum error_code code = check_view(check, &view, error);
    if (code != ERROR_OK || view == NULL)
        return code;
    const struct compose_service *many = find_not_single(check, view);
    if (many != NULL)
        return check_say(
            check, PREFLIGHT_FAILED, error,
            "%s:%d: %s has %lld containers: Execution and Brain have one each; set its "
            "deploy.replicas to 1",
            target_setup(check->target)->compose.file, many->line, many->name,
            (long long)many->replicas);
    return check_say(check, PREFLIGHT_PASSED, error, "%s: %zu service%s, every variable is set",
                     target_setup(check->target)->compose.file, view->count,
                     text_many(view->count));
}

/* One SERVICE=VARIABLE of the item, found in the configuration. */
struct holder {
    char service[64], name[64];
    const struct compose_service *found;     /* NULL = absent */
    const struct compose_variable *variable; /* NULL = not set */
    size_t equals;                           /* how many of them hold the same, itself among them */
};

struct holders {
    struct holder list[SETUP_NAMES_MAX];
    size_t count; /* those that hold a value */
};

static bool list_contains(const struct setup_list *list, const char *word)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], word) == 0)
            return true;
    return false;
}

static bool same_value(const struct holder *one, const struct holder *other)
{
    return one->variable->length == other->variable->length
           && sodium_memcmp(one->variable->value, other->variable->value, one->variable->length)
                  == 0;
}

/* "docker-compose.prod.yml:17: titan-brain's HMAC_SECRET (from HMAC_OLD of .env.prod)" */
static void name_holder(const struct check *check, const struct holder *holder, char *ret_text,
                        size_t capacity)
{
    const struct setup_compose *compose = &target_setup(check->target)->compose;
    const char *origin = holder->variable->origin;
    (void)snprintf(ret_text, capacity, "%s:%d: %s of %s%s%s%s%s", compose->file,
                   holder->variable->line, holder->name, holder->service,
                   origin[0] != '\0' ? " (from " : "", origin,
                   origin[0] != '\0' && compose->env_file[0] != '\0' ? " of " : "",
                   origin[0] != '\0' ? compose->env_file : "");
    if (origin[0] != '\0') {
        size_t used = strlen(ret_text);
        (void)snprintf(ret_text + used, capacity - used, ")");
    }
}

static enum error_code add_holder(const struct check *check, const struct compose_view *view,
                                  const char *words, struct holders *holders,
                                  struct complaints *complaints, struct error *error)
{
    const char *file = target_setup(check->target)->compose.file, *equals = strchr(words, '=');
    struct holder holder = {.equals = 0};
    char name[256];
    if (equals == NULL || equals[1] == '\0' || (size_t)(equals - words) >= sizeof holder.service
        || strlen(equals + 1) >= sizeof holder.name)
        return complaints_add(complaints, error,
                              "`variables` has %s, which is not SERVICE=VARIABLE", words);
    (void)snprintf(holder.service, sizeof holder.service, "%.*s", (int)(equals - words), words);
    (void)snprintf(holder.name, sizeof holder.name, "%s", equals + 1);
    holder.found = compose_view_service(view, holder.service);
    if (holder.found == NULL)
        return list_contains(&check->item->absent, holder.service)
                   ? ERROR_OK
                   : complaints_add(
                       complaints, error,
                       "%s: there is no service %s; declare it in `absent` where that is meant",
                       file, holder.service);
    holder.variable = compose_service_variable(holder.found, holder.name);
    if (holder.variable == NULL)
        return complaints_add(complaints, error, "%s:%d: %s has no %s in its environment", file,
                              holder.found->line, holder.service, holder.name);
    name_holder(check, &holder, name, sizeof name);
    if (holder.variable->value == NULL)
        return complaints_add(complaints, error, "%s is not set", name);
    if (holder.variable->length == 0)
        return complaints_add(complaints, error, "%s is empty", name);
    holders->list[holders->count++] = holder;
    return ERROR_OK;
}

/* The one that differs is the one with the fewest of its kind; the first of the list is right where
 * nothing tells. */
static enum error_code compare_values(const struct check *check, struct holders *holders,
                                      struct complaints *complaints, struct error *error)
{
    enum error_code code = ERROR_OK;
    const struct holder *model = &holders->list[0];
    char name[256], other[256];
    for (size_t i = 0; i < holders->count; i++)
        for (size_t j = 0; j < holders->count; j++)
            holders->list[i].equals += same_value(&holders->list[i], &holders->list[j]);
    for (size_t i = 1; i < holders->count; i++)
        model = holders->list[i].equals > model->equals ? &holders->list[i] : model;
    name_holder(check, model, other, sizeof other);
    for (size_t i = 0; code == ERROR_OK && i < holders->count; i++) {
        if (same_value(&holders->list[i], model))
            continue;
        name_holder(check, &holders->list[i], name, sizeof name);
        code = complaints_add(complaints, error, "%s differs from %s", name, other);
    }
    return code;
}

enum error_code check_env_same(struct check *check, struct error *error)
{
    const struct compose_view *view;
    struct holders holders = {.count = 0};
    CLEANUP_COMPLAINTS struct complaints complaints = {0};
    enum error_code code = check_view(check, &view, error);
    if (code != ERROR_OK || view == NULL)
        return code;
    const struct setup_list *variables = &check->item->variables;
    for (size_t i = 0; code == ERROR_OK && i < variables->count; i++)
        code = add_holder(check, view, variables->items[i], &holders, &complaints, error);
    if (code == ERROR_OK && holders.count > 1)
        code = compare_values(check, &holders, &complaints, error);
    if (code != ERROR_OK)
        return code;
    if (complaints.count > 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s", (const char *)complaints.text.data);
    if (holders.count < 2)
        return check_say(check, PREFLIGHT_UNDECIDED, error,
                         "%zu of the services in `variables` is there: nothing is to be compared",
                         holders.count);
    return check_say(check, PREFLIGHT_PASSED, error, "%s is set and the same in %zu service%s",
                     holders.list[0].name, holders.count, text_many(holders.count));
}
