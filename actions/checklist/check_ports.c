/* Only the declared ports are open: what compose and the containers publish (past the host's
 * firewall), what listens beyond loopback, and what answers to a connection from the operator's
 * side. */
#include "actions/checklist/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose_render.h"
#include "actions/checklist/listeners.h"
#include "actions/target/reach.h"
#include "actions/checklist/running.h"

enum { OPENINGS_MAX = 64, ATTEMPT_MS = 3000 };

/* One port that is open and not declared. */
struct opening {
    struct published port;
    char text[320];           /* where it stands and what it is */
    unsigned long long inode; /* of a listener, 0 = it is published */
};

struct openings {
    struct opening list[OPENINGS_MAX];
    size_t count, more; /* more: beyond the capacity */
};

/* "443" or "443/udp" as in the item's lists. */
static bool is_declared(const struct setup_list *list, int port, bool udp)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *word = list->items[i];
        size_t digits = strspn(word, "0123456789");
        if (digits > 0 && strtol(word, NULL, 10) == port
            && udp == (strcmp(word + digits, "/udp") == 0)
            && (udp || word[digits] == '\0' || strcmp(word + digits, "/tcp") == 0))
            return true;
    }
    return false;
}

static bool is_declared_range(const struct setup_list *list, const struct published *port)
{
    if (port->last == 0 || port->last - port->first >= SETUP_NAMES_MAX)
        return false;
    for (int number = port->first; number <= port->last; number++)
        if (!is_declared(list, number, port->udp))
            return false;
    return true;
}

/* Is a port spoken of already? A published port has a listener too, and a running container what
 * its configuration says. */
static bool is_known(const struct openings *openings, const struct published *port)
{
    for (size_t i = 0; i < openings->count; i++) {
        const struct published *known = &openings->list[i].port;
        if (known->udp == port->udp && port->first >= known->first && port->last <= known->last
            && known->last > 0)
            return true;
    }
    return false;
}

/* The place for one more opening, NULL where it is no opening, known, or beyond the capacity. */
static struct opening *add_opening(const struct check *check, struct openings *openings,
                                   const struct published *port)
{
    if (published_is_loopback(port) || is_declared_range(&check->item->ports, port)
        || is_known(openings, port))
        return NULL;
    if (openings->count == OPENINGS_MAX) {
        openings->more++;
        return NULL;
    }
    struct opening *opening = &openings->list[openings->count++];
    *opening = (struct opening){.port = *port};
    return opening;
}

static void add_published(struct check *check, const struct compose_view *view,
                          const struct running *running, struct openings *openings)
{
    char words[64];
    for (size_t i = 0; i < view->count; i++)
        for (size_t j = 0; j < view->services[i].port_count; j++) {
            const struct published *port = &view->services[i].ports[j];
            struct opening *opening = add_opening(check, openings, port);
            published_words(port, words, sizeof words);
            if (opening != NULL)
                (void)snprintf(opening->text, sizeof opening->text, "%.120s:%d: %.64s publishes %s",
                               target_setup(check->target)->compose.file, port->line,
                               view->services[i].name, words);
        }
    for (size_t i = 0; i < running->count; i++)
        for (size_t j = 0; j < running->list[i].port_count; j++) {
            const struct published *port = &running->list[i].ports[j];
            struct opening *opening = add_opening(check, openings, port);
            published_words(port, words, sizeof words);
            if (opening != NULL)
                (void)snprintf(opening->text, sizeof opening->text,
                               "the running container %.128s publishes %s",
                               check_foreign(check, running->list[i].name), words);
        }
}

static void add_listeners(const struct check *check, const struct listeners *listeners,
                          struct openings *openings)
{
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *listener = &listeners->list[i];
        struct published port = {.first = listener->port,
                                 .last = listener->port,
                                 .udp = listener->udp};
        struct opening *opening = listener_is_loopback(listener)
                                      ? NULL
                                      : add_opening(check, openings, &port);
        char name[LISTENER_NAME_MAX];
        listener_name(listener, name, sizeof name);
        if (opening == NULL)
            continue;
        opening->inode = listener->inode;
        (void)snprintf(opening->text, sizeof opening->text, "the host listens on %s%s", name,
                       listener_is_link_local(listener) ? " (link-local)" : "");
    }
}

/* "INODE PID NAME", one line a process that holds one of the sockets; other users' processes only
 * root can see. */
static enum error_code name_processes(struct check *check, struct openings *openings,
                                      struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    size_t asked = 0;
    text_add(&script, "find /proc/[0-9]*/fd -maxdepth 1 \\( ");
    for (size_t i = 0; i < openings->count; i++)
        if (openings->list[i].inode != 0)
            text_add_format(&script, "%s-lname 'socket:\\[%llu\\]'", asked++ > 0 ? " -o " : "",
                            openings->list[i].inode);
    text_add_format(
        &script,
        " \\) -printf '%%l %%p\\n' 2>/dev/null | tr -dc '0-9a-z/ \\n' | while read -r s p; do "
        "p=${p#/proc/}; p=${p%%%%/*}; "
        "read -r c < /proc/$p/comm && echo \"${s#socket} $p $c\"; done 2>/dev/null; :");
    if (asked == 0)
        return ERROR_OK;
    enum error_code code = check_run(check, &script, &result, error);
    char *rest = NULL, nothing[] = "";
    for (char *line = code == ERROR_OK
                          ? strtok_r(result.output.size > 0 ? (char *)result.output.data : nothing,
                                     "\n", &rest)
                          : NULL;
         line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *word;
        unsigned long long inode = strtoull(line, &word, 10);
        long pid = strtol(word, &word, 10);
        for (size_t i = 0; i < openings->count; i++) {
            size_t used = strlen(openings->list[i].text);
            if (openings->list[i].inode == inode && inode != 0 && *word == ' '
                && strstr(openings->list[i].text, "(process ") == NULL)
                (void)snprintf(openings->list[i].text + used, sizeof openings->list[i].text - used,
                               " (process %ld, %.32s)", pid, check_foreign(check, word + 1));
        }
    }
    return code;
}

/* From where the operator sits. */
struct outside {
    const char *address; /* "" = none */
    struct reach attempts[REACH_PORTS_MAX];
    size_t count;
    bool answered;        /* something came back from there */
    enum error_code code; /* ERROR_OK, or why no attempt was made */
    struct error error;
};

static void ask_for(struct outside *outside, int port)
{
    for (size_t i = 0; i < outside->count; i++)
        if (outside->attempts[i].port == port)
            return;
    if (outside->count < REACH_PORTS_MAX && port > 0)
        outside->attempts[outside->count++] = (struct reach){.port = port};
}

static const struct reach *attempt_of(const struct outside *outside, int port)
{
    for (size_t i = 0; i < outside->count; i++)
        if (outside->attempts[i].port == port)
            return &outside->attempts[i];
    return NULL;
}

/* Those that must be closed, those that were found open, and the declared ones: if none of these
 * comes back, the address is no evidence. */
static void try_from_outside(const struct check *check, const struct openings *openings,
                             struct outside *outside)
{
    const struct setup_target *target = &target_setup(check->target)->target;
    const struct setup_list *lists[] = {&check->item->closed, &check->item->ports};
    outside->address = check->item->address[0] != '\0' ? check->item->address
                       : target->local                 ? ""
                                                       : target->host;
    if (outside->address[0] == '\0')
        return;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < lists[i]->count; j++)
            if (strstr(lists[i]->items[j], "/udp") == NULL)
                ask_for(outside, (int)strtol(lists[i]->items[j], NULL, 10));
    for (size_t i = 0; i < openings->count; i++)
        if (!openings->list[i].port.udp)
            ask_for(outside, openings->list[i].port.first);
    const struct world *world = target_world(check->target);
    outside->code = world->reach->attempt(world->reach->context, outside->address,
                                          outside->attempts, outside->count, ATTEMPT_MS,
                                          world->clock, &outside->error);
    for (size_t i = 0; i < outside->count; i++)
        outside->answered = outside->answered || outside->attempts[i].result == REACH_OPEN
                            || outside->attempts[i].result == REACH_REFUSED;
}

static enum error_code judge_openings(const struct openings *openings,
                                      const struct outside *outside, struct complaints *complaints,
                                      struct error *error)
{
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < openings->count; i++) {
        const struct opening *opening = &openings->list[i];
        const struct reach *attempt = opening->port.udp ? NULL
                                                        : attempt_of(outside, opening->port.first);
        code = complaints_add(
            complaints, error, "%s%s%s", opening->text,
            attempt != NULL && attempt->result == REACH_OPEN ? ", and it answers at " : "",
            attempt != NULL && attempt->result == REACH_OPEN ? outside->address : "");
    }
    return code == ERROR_OK && openings->more > 0
               ? complaints_add(complaints, error, "and %zu more ports are open", openings->more)
               : code;
}

static enum error_code judge_closed(const struct check *check, const struct openings *openings,
                                    const struct outside *outside, struct complaints *complaints,
                                    struct error *error)
{
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < check->item->closed.count; i++) {
        const struct reach *attempt = attempt_of(outside, (int)strtol(check->item->closed.items[i],
                                                                      NULL, 10));
        struct published port = {.first = attempt != NULL ? attempt->port : 0,
                                 .last = attempt != NULL ? attempt->port : 0};
        if (attempt != NULL && attempt->result == REACH_OPEN && !is_known(openings, &port))
            code = complaints_add(complaints, error,
                                  "%s:%d answers from here: it is internal, close it",
                                  outside->address, attempt->port);
    }
    return code;
}

static enum error_code answer(struct check *check, const struct outside *outside,
                              const struct complaints *complaints, size_t listeners,
                              struct error *error)
{
    char tried[320] = "";
    for (size_t i = 0; i < check->item->closed.count; i++) {
        size_t used = strlen(tried);
        (void)snprintf(tried + used, sizeof tried - used, "%s%s", i > 0 ? ", " : "",
                       check->item->closed.items[i]);
    }
    if (complaints->count > 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s", (const char *)complaints->text.data);
    if (outside->address[0] == '\0')
        return check_say(check, PREFLIGHT_PASSED, error,
                         "nothing but the declared ports is published or listens (%zu listeners); "
                         "no attempt was made from outside: "
                         "the target is this machine, and the item names no `address`",
                         listeners);
    if (outside->code != ERROR_OK)
        return check_say(check, PREFLIGHT_UNDECIDED, error, "%s: %s; name another `address`",
                         outside->error.where, outside->error.what);
    if (!outside->answered)
        return check_say(check, PREFLIGHT_UNDECIDED, error,
                         "%s: no port answers or refuses from here, not even a declared one; name "
                         "the `address` that the operator's side reaches",
                         outside->address);
    return check_say(check, PREFLIGHT_PASSED, error,
                     "nothing but the declared ports is published or listens (%zu listeners), and "
                     "from here %s accepts no connection on %s",
                     listeners, outside->address, tried);
}

enum error_code check_ports(struct check *check, struct error *error)
{
    const struct compose_view *view;
    const struct running *running = NULL;
    struct listeners listeners = {.count = 0};
    CLEANUP_COMPLAINTS struct complaints complaints = {0};
    struct outside outside = {.address = ""};
    enum error_code code = check_view(check, &view, error);
    if (code == ERROR_OK && view != NULL)
        code = check_running(check, &running, error);
    if (code != ERROR_OK || running == NULL)
        return code;
    code = listeners_open(check->target, &listeners, error);
    if (code == ERROR_PROTOCOL)
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s", error->where, error->what);
    struct openings *openings = code == ERROR_OK ? calloc(1, sizeof *openings) : NULL;
    if (code == ERROR_OK && openings == NULL)
        code = error_set(error, ERROR_MEMORY, 0, check->item->id, "", "out of memory");
    if (code == ERROR_OK) {
        add_published(check, view, running, openings);
        add_listeners(check, &listeners, openings);
        code = name_processes(check, openings, error);
    }
    if (code == ERROR_OK) {
        try_from_outside(check, openings, &outside);
        code = judge_openings(openings, &outside, &complaints, error);
    }
    if (code == ERROR_OK)
        code = judge_closed(check, openings, &outside, &complaints, error);
    size_t looked = listeners.count;
    listeners_close(&listeners);
    free(openings);
    return code == ERROR_OK ? answer(check, &outside, &complaints, looked, error) : code;
}
