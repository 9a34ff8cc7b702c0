#include "verify/report/named_settings.h"

#include <stdio.h>
#include <string.h>

static void add_lost(char *words, size_t size, const char *kind, struct slice what)
{
    size_t used = strlen(words);
    char word[128];
    (void)snprintf(word, sizeof word, "%s%.*s", kind, what.length < 64 ? (int)what.length : 64,
                   what.at);
    if (used < size && strstr(words, word) == NULL)
        (void)snprintf(words + used, size - used, "%s%s", used > 0 ? ", " : "", word);
}

static bool has_text(const struct node *list, struct slice text)
{
    for (const struct node *node = list != NULL ? list->first : NULL; node != NULL;
         node = node->next)
        if (slice_equal(node->text, text))
            return true;
    return false;
}

/* What stands in the list of before and not in that of now. */
static void name_lost_texts(const struct node *was, const struct node *is, const char *kind,
                            char *words, size_t size)
{
    for (const struct node *node = was != NULL ? was->first : NULL; node != NULL; node = node->next)
        if (!has_text(is, node->text))
            add_lost(words, size, kind, node->text);
}

static void name_fewer(int64_t was, int64_t is, const char *procedure, char *words, size_t size)
{
    char word[64];
    (void)snprintf(word, sizeof word, "approvals of a %s (%lld were asked for, and are %lld)",
                   procedure, (long long)was, (long long)is);
    if (is < was)
        add_lost(words, size, word, slice_of(""));
}

static void name_less(const struct genesis *was, const struct genesis *is, char *words, size_t size)
{
    name_fewer(was->approvals_policy, is->approvals_policy, "policy change", words, size);
    name_fewer(was->approvals_release, is->approvals_release, "release", words, size);
    name_lost_texts(was->checklist, is->checklist, "the checklist item ", words, size);
    name_lost_texts(was->endpoints, is->endpoints, "the endpoint ", words, size);
    name_lost_texts(was->patterns[PATTERN_ERRORS], is->patterns[PATTERN_ERRORS],
                    "the error pattern ", words, size);
    if (was->script.length > 0 && is->script.length == 0)
        add_lost(words, size, "the script ", was->script);
    if (was->marker && !is->marker)
        add_lost(words, size, "the armed marker", slice_of(""));
    if (was->has_policy && !is->has_policy)
        add_lost(words, size, "the shared policy hash", slice_of(""));
}

void named_collect_settings(const struct audit *audit, char *ret_words, size_t size)
{
    struct genesis was;
    const struct record *record = audit->record;
    if (audit->deployment.number > 0 && genesis_read(record, 1, &was))
        name_less(&was, &audit->genesis, ret_words, size);
    for (size_t i = 0; i < record->settings_count && record->settings[i] < audit->deployment.number;
         i++)
        if (genesis_read(record, record->settings[i] + 1, &was))
            name_less(&was, &audit->genesis, ret_words, size);
}
