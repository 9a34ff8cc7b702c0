#include "actions/parity.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/heard.h"
#include "actions/policy_words.h"
#include "actions/target/bus.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

enum { REQUESTS = 3, REQUEST_MS = 3000, EARLIER_MAX = 8 };

/* All that was said of the policy hash in one look. A reply or a line is one voice. */
struct voices {
    struct parity_view view;
    char missing[300]; /* who has said nothing that must be heard; "" = nobody */
    bool lines_absent, unnamed;
    unsigned contrary, hashless;   /* voices; replies among them that carry no hash */
    struct policy_words shortened; /* waits for a whole hash to be compared with */
};

static void say_unequal(struct voices *voices, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first contrary voice is the one that is shown. */
static void say_unequal(struct voices *voices, const char *format, ...)
{
    va_list arguments;
    voices->contrary++;
    if (voices->view.parity == PARITY_UNEQUAL)
        return;
    voices->view.parity = PARITY_UNEQUAL;
    va_start(arguments, format);
    (void)vsnprintf(voices->view.text, sizeof voices->view.text, format, arguments);
    va_end(arguments);
}

static bool begins_so(const struct policy_words *shortened, const char *hash)
{
    return strncmp(hash, shortened->hash, strlen(shortened->hash)) == 0;
}

/* One more voice. `who` is a sentence's subject. */
static void add_voice(struct voices *voices, const char *who, const struct policy_words *words)
{
    char *hash = voices->view.hash;
    switch (words->kind) {
    case POLICY_WORDS_INVALID:
        break;
    case POLICY_WORDS_OTHER:
        say_unequal(voices, "%s names no policy hash: \"%.60s\"", who, words->hash);
        break;
    case POLICY_WORDS_AGREED:
        voices->unnamed = true;
        break;
    case POLICY_WORDS_SHORTENED:
        voices->unnamed = true;
        if (hash[0] == '\0')
            voices->shortened = *words;
        else if (!begins_so(words, hash))
            say_unequal(voices, "%s says policy hash %s...; the others say %s", who, words->hash,
                        hash);
        break;
    case POLICY_WORDS_HASH:
        if (hash[0] == '\0')
            memcpy(hash, words->hash, sizeof voices->view.hash);
        else if (strcmp(hash, words->hash) != 0)
            say_unequal(voices, "%s says policy hash %s; %s was said before", who, words->hash,
                        hash);
        if (voices->shortened.kind != POLICY_WORDS_INVALID && !begins_so(&voices->shortened, hash))
            say_unequal(voices, "policy hash %s... was said, and %s says %s",
                        voices->shortened.hash, who, words->hash);
        break;
    }
}

static void add_missing(struct voices *voices, const char *who)
{
    if (voices->missing[0] == '\0')
        (void)snprintf(voices->missing, sizeof voices->missing, "%s", who);
}

static void add_absent_line(struct voices *voices, const char *what)
{
    voices->lines_absent = true;
    add_missing(voices, what);
}

/* What the bus says of a request without a reply. */
static void add_silence(struct voices *voices, const struct evidence_item *item)
{
    char who[300];
    if (item->status == BUS_NO_RESPONDER)
        (void)snprintf(who, sizeof who,
                       "Execution's responder: nobody subscribes to %.100s; see whether the bus "
                       "permits Execution's user to subscribe to it",
                       item->subject);
    else if (item->status == EVIDENCE_BUS_UNANSWERED)
        (void)snprintf(who, sizeof who, "Execution's responder: %.200s",
                       (const char *)item->output.data);
    else
        (void)snprintf(who, sizeof who,
                       "Execution's responder, which is there and did not reply in %d s",
                       REQUEST_MS / 1000);
    add_missing(voices, who);
}

static enum error_code ask_responder(struct target *target, unsigned requests,
                                     struct evidence *evidence, struct voices *voices,
                                     struct error *error)
{
    size_t first = evidence->count;
    const char *subject = target_setup(target)->bus.subject_policy_hash;
    for (unsigned i = 0; i < requests; i++) {
        unsigned answers = 0;
        int64_t sent_ns = clock_boottime_ns(target_clock(target));
        enum error_code code = bus_request(target,
                                           &(struct bus_question){.probe = PROBE_BUS_POLICY_HASH,
                                                                  .subject = subject,
                                                                  .payload = "{}",
                                                                  .timeout_ms = REQUEST_MS},
                                           evidence, &answers, error);
        if (code == ERROR_OK)
            continue;
        if (code == ERROR_MEMORY)
            return code;
        int64_t now_ns = clock_boottime_ns(target_clock(target));
        code = evidence_add_unanswered(evidence,
                                       &(struct evidence_unanswered){PROBE_BUS_POLICY_HASH, subject,
                                                                     EVIDENCE_BUS_UNANSWERED,
                                                                     sent_ns, now_ns},
                                       error);
        if (code != ERROR_OK)
            return code;
        break; /* nobody answers the others either */
    }
    for (size_t i = first; i < evidence->count; i++) {
        struct policy_words words;
        if (evidence->items[i].status != 0) {
            add_silence(voices, &evidence->items[i]);
            continue;
        }
        policy_words_reply(&evidence->items[i].output, &words);
        voices->hashless += words.hashless ? 1 : 0;
        voices->view.answered = true;
        voices->view.replied = voices->view.replied || words.kind == POLICY_WORDS_HASH;
        add_voice(voices, "Execution's responder", &words);
    }
    return ERROR_OK;
}

/* The first of the patterns that matches says what the line says. */
static bool read_line_words(const char *message, const struct setup_patterns *patterns,
                            struct policy_words *ret_words)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (policy_words_line(message, patterns->items[i], ret_words))
            return true;
    return false;
}

/* What the lines of one run named before their last one, each once. More than fit cannot agree. */
struct earlier {
    struct policy_words words[EARLIER_MAX];
    size_t count;
};

static void add_earlier(struct earlier *earlier, const struct policy_words *words)
{
    for (size_t i = 0; i < earlier->count; i++)
        if (earlier->words[i].kind == words->kind
            && strcmp(earlier->words[i].hash, words->hash) == 0)
            return;
    if (words->kind == POLICY_WORDS_INVALID)
        return;
    if (earlier->count == EARLIER_MAX)
        earlier->words[EARLIER_MAX - 1].kind = POLICY_WORDS_OTHER;
    else
        earlier->words[earlier->count++] = *words;
}

/* The first of the earlier lines that does not agree with the hash of the voices. */
static void say_earlier(const struct earlier *earlier, const char *hash, char ret_text[160])
{
    for (size_t i = 0; i < earlier->count && ret_text[0] == '\0'; i++) {
        const struct policy_words *words = &earlier->words[i];
        bool contrary = words->kind == POLICY_WORDS_OTHER
                        || (words->kind == POLICY_WORDS_HASH && strcmp(words->hash, hash) != 0)
                        || (words->kind == POLICY_WORDS_SHORTENED && !begins_so(words, hash));
        if (contrary)
            (void)snprintf(ret_text, 160, "an earlier line of this run names %.64s", words->hash);
    }
}

/* One log, joined with what was heard; one that cannot be read is missing, not absent. */
static enum error_code fetch_voice(struct target *target, const struct container *container,
                                   const struct log_query *query, struct evidence *evidence,
                                   struct voices *voices, struct heard_lines *ret_lines,
                                   struct error *error)
{
    const struct heard *heard = target_heard(target);
    bool execution = strcmp(query->probe, PROBE_LOGS_EXECUTION) == 0, failed = false;
    const struct heard_log *log = heard == NULL ? NULL
                                  : execution   ? &heard->execution
                                                : &heard->brain;
    enum error_code code = heard_fetch(target, log, container, query, evidence, ret_lines, &failed,
                                       error);
    if (code == ERROR_OK && failed) {
        voices->view.log_failed = query->probe;
        add_missing(voices, execution ? "Execution, whose log cannot be read"
                                      : "Brain, whose log cannot be read");
    }
    if (code == ERROR_OK && ret_lines->broken)
        say_unequal(voices, "%s's log lost a line, or got one in front of older ones",
                    execution ? "Execution" : "Brain");
    return code;
}

static enum error_code add_execution_voices(struct target *target,
                                            const struct container *execution,
                                            struct evidence *evidence, struct voices *voices,
                                            struct error *error)
{
    CLEANUP_HEARD struct heard_lines lines = {.before = 0};
    const struct setup_services *services = &target_setup(target)->services;
    struct log_sets sets;
    const struct log_query query = logs_query_execution(services, &sets);
    enum error_code code = fetch_voice(target, execution, &query, evidence, voices, &lines, error);
    if (code != ERROR_OK)
        return code;
    struct policy_words words = {0};
    struct earlier earlier = {.count = 0};
    struct log_line line;
    for (size_t at = 0; logs_next(&lines.all, &at, logs_boundary(execution), &line);) {
        struct policy_words last = words;
        if (read_line_words(line.message, &services->policy_loaded, &words))
            add_earlier(&earlier, &last);
    }
    if (words.kind == POLICY_WORDS_INVALID) {
        voices->view.execution_absent = true;
        add_absent_line(voices, "Execution's start-up line");
    }
    add_voice(voices, "Execution's start-up line", &words);
    say_earlier(&earlier, voices->view.hash, voices->view.execution_first);
    return ERROR_OK;
}

/* What the lines of Brain's run come to. */
struct handshake {
    struct policy_words words; /* of the last good one */
    struct earlier earlier;
    char failure[160]; /* behind it, "" = none */
    bool lost;
};

static void read_handshake(const struct setup_services *services, const struct log_line *line,
                           bool fresh, struct handshake *handshake, struct parity_view *view)
{
    struct policy_words last = handshake->words;
    if (log_matches_any(line->message, &services->handshake_failed)) {
        text_cut(handshake->failure, sizeof handshake->failure, line->message);
        text_cut(view->brain_first, sizeof view->brain_first, line->message);
        if (fresh)
            text_cut(view->brain_failed, sizeof view->brain_failed, line->message);
    } else if (read_line_words(line->message, &services->handshake_ok, &handshake->words)) {
        add_earlier(&handshake->earlier, &last);
        handshake->failure[0] = '\0';
        handshake->lost = false;
    } else if (log_matches_any(line->message, &services->handshake_lost)) {
        handshake->lost = true;
    } else if (log_matches_any(line->message, &services->handshake_none)) {
        view->brain_none = true;
    }
}

static enum error_code add_brain_voices(struct target *target, const struct container *brain,
                                        struct evidence *evidence, struct voices *voices,
                                        struct error *error)
{
    CLEANUP_HEARD struct heard_lines lines = {.before = 0};
    const struct setup_services *services = &target_setup(target)->services;
    struct log_sets sets;
    const struct log_query query = logs_query_brain(services, &sets);
    enum error_code code = fetch_voice(target, brain, &query, evidence, voices, &lines, error);
    if (code != ERROR_OK)
        return code;
    struct handshake handshake = {.lost = false};
    struct parity_view *view = &voices->view;
    struct voices without = *voices; /* the handshake's failure */
    struct log_line line;
    for (size_t at = 0; logs_next(&lines.all, &at, logs_boundary(brain), &line);)
        read_handshake(services, &line, at > lines.before, &handshake, view);
    view->lost = handshake.lost;
    add_voice(&without, "Brain's handshake line", &handshake.words);
    view->unanswered = (handshake.failure[0] != '\0' || handshake.lost) && !voices->view.answered
                       && without.view.parity != PARITY_UNEQUAL;
    if (handshake.failure[0] != '\0') {
        say_unequal(voices, "Brain says: %s", handshake.failure);
    } else if (handshake.words.kind == POLICY_WORDS_INVALID) {
        view->brain_absent = true;
        add_absent_line(voices, "Brain's handshake line");
    }
    add_voice(voices, "Brain's handshake line", &handshake.words);
    if (view->brain_first[0] == '\0')
        say_earlier(&handshake.earlier, view->hash, view->brain_first);
    return ERROR_OK;
}

/* The sum of the voices. A lost leadership is contrary but in a sample, where it may be regained
 * before the next one (fsm/steps/window/window.c). */
static void judge_voices(struct voices *voices, enum parity_depth depth)
{
    struct parity_view *view = &voices->view;
    if (view->lost && depth != PARITY_SAMPLE)
        say_unequal(voices, "Brain lost its leadership after the handshake");
    view->starts = voices->contrary > 0 && voices->contrary == voices->hashless;
    if (view->parity == PARITY_UNEQUAL)
        return;
    bool optional = depth == PARITY_SAMPLE && view->replied;
    view->unanswered = view->unanswered && depth == PARITY_BRAIN;
    view->lines_absent = view->replied && voices->lines_absent && view->log_failed == NULL;
    if (view->hash[0] == '\0' && voices->missing[0] == '\0')
        add_missing(voices, "anybody: no voice names a whole hash");
    if (voices->missing[0] != '\0' && !(optional && view->lines_absent)) {
        view->parity = PARITY_MISSING;
        (void)snprintf(view->text, sizeof view->text, "no policy hash from %s", voices->missing);
        return;
    }
    view->parity = PARITY_EQUAL;
    (void)snprintf(view->text, sizeof view->text, "policy hash %s%s", view->hash,
                   voices->unnamed ? " (a line agrees without naming it)" : "");
}

enum error_code parity_look(struct target *target, const struct containers *containers,
                            enum parity_depth depth, const char *expect, struct evidence *evidence,
                            struct parity_view *ret_view, struct error *error)
{
    const struct setup_services *services = &target_setup(target)->services;
    struct voices voices = {.view = {.parity = PARITY_INVALID}};
    const struct container *execution = containers_find(containers, services->execution),
                           *brain = containers_find(containers, services->brain);
    bool several = depth == PARITY_EXECUTION || depth == PARITY_BRAIN;
    if (expect[0] != '\0') {
        struct policy_words expected = {.kind = POLICY_WORDS_HASH};
        if (!policy_words_hash(expect, expected.hash))
            expected.kind = POLICY_WORDS_OTHER;
        add_voice(&voices, "the expected hash", &expected);
    }
    enum error_code code = ask_responder(target, several ? REQUESTS : 1, evidence, &voices, error);
    if (code == ERROR_OK) {
        if (execution == NULL || (depth != PARITY_SAMPLE && !container_runs(execution)))
            add_missing(&voices, execution == NULL ? "Execution, which has no container"
                                                   : "Execution, which does not run");
        else
            code = add_execution_voices(target, execution, evidence, &voices, error);
    }
    if (code == ERROR_OK && depth >= PARITY_BRAIN) {
        if (brain == NULL || (depth != PARITY_SAMPLE && !container_runs(brain)))
            add_missing(&voices, brain == NULL ? "Brain, which has no container"
                                               : "Brain, which does not run");
        else
            code = add_brain_voices(target, brain, evidence, &voices, error);
    }
    if (code != ERROR_OK)
        return code;
    judge_voices(&voices, depth);
    *ret_view = voices.view;
    return ERROR_OK;
}
