#include "verify/judge/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void finding_init(struct finding *finding)
{
    *finding = (struct finding){.verdict = VERDICT_NOT_PROVEN, .sentence = "nothing showed it"};
}

void finding_rests_on_range(struct finding *finding, uint64_t first, uint64_t last)
{
    struct finding_range *rests = finding->rests;
    unsigned at = 0, behind;
    while (at < finding->rests_count && rests[at].last < UINT64_MAX && rests[at].last + 1 < first)
        at++;
    for (behind = at; behind < finding->rests_count
                      && rests[behind].first <= (last < UINT64_MAX ? last + 1 : last);
         behind++) {
        first = rests[behind].first < first ? rests[behind].first : first;
        last = rests[behind].last > last ? rests[behind].last : last;
    }
    if (behind == at && finding->rests_count == FINDING_RANGES_MAX) {
        finding->rests_more = true;
        return;
    }
    memmove(&rests[at + 1], &rests[behind], (finding->rests_count - behind) * sizeof *rests);
    finding->rests_count = finding->rests_count - behind + at + 1;
    rests[at] = (struct finding_range){first, last};
}

void finding_rests_on(struct finding *finding, const struct entry *entry)
{
    if (entry != NULL)
        finding_rests_on_range(finding, (uint64_t)entry->seq, (uint64_t)entry->seq);
}

__attribute__((format(printf, 4, 0))) static void finding_set(struct finding *finding,
                                                              enum verdict verdict,
                                                              const struct entry *entry,
                                                              const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));
static void finding_set(struct finding *finding, enum verdict verdict, const struct entry *entry,
                        const char *format, va_list arguments)
{
    finding->verdict = verdict;
    finding->rule[0] = '\0';
    finding->has_entry = entry != NULL;
    finding->entry = entry != NULL ? (uint64_t)entry->seq : 0;
    (void)vsnprintf(finding->sentence, sizeof finding->sentence, format, arguments);
}

static void note_rule_times(struct finding *finding, const char *rule, unsigned times)
{
    for (unsigned i = 0; i < finding->rules_count; i++)
        if (strcmp(finding->rules[i], rule) == 0) {
            finding->rules_times[i] += times;
            return;
        }
    if (finding->rules_count == FINDING_RULES_MAX)
        return;
    finding->rules_times[finding->rules_count] = times;
    (void)snprintf(finding->rules[finding->rules_count++], FINDING_RULE_BYTES, "%s", rule);
}

static void note_rule(struct finding *finding, const char *rule)
{
    note_rule_times(finding, rule, 1);
}

void finding_violated(struct finding *finding, const char *rule, const struct entry *entry,
                      const char *format, ...)
{
    va_list arguments;
    note_rule(finding, rule);
    if (finding->verdict == VERDICT_VIOLATED)
        return;
    va_start(arguments, format);
    finding_set(finding, VERDICT_VIOLATED, entry, format, arguments);
    va_end(arguments);
    (void)snprintf(finding->rule, sizeof finding->rule, "%s", rule);
}

void finding_undecidable(struct finding *finding, const char *rule, const struct entry *entry,
                         const char *format, ...)
{
    va_list arguments;
    note_rule(finding, rule);
    if (finding->verdict != VERDICT_NOT_PROVEN)
        return;
    va_start(arguments, format);
    finding_set(finding, VERDICT_UNDECIDABLE, entry, format, arguments);
    va_end(arguments);
    (void)snprintf(finding->rule, sizeof finding->rule, "%s", rule);
}

void finding_not_applicable(struct finding *finding, const char *format, ...)
{
    va_list arguments;
    if (finding->verdict != VERDICT_NOT_PROVEN)
        return;
    va_start(arguments, format);
    finding_set(finding, VERDICT_NOT_APPLICABLE, NULL, format, arguments);
    va_end(arguments);
}

void finding_conclude(struct finding *finding, const struct entry *entry, const char *format, ...)
{
    va_list arguments;
    if (finding->verdict != VERDICT_NOT_PROVEN)
        return;
    va_start(arguments, format);
    finding_set(finding, VERDICT_PROVEN, entry, format, arguments);
    va_end(arguments);
}

void finding_add(struct finding *finding, const struct finding *other)
{
    for (unsigned i = 0; i < other->rules_count; i++)
        note_rule_times(finding, other->rules[i], other->rules_times[i]);
    if (other->verdict != VERDICT_VIOLATED || finding->verdict == VERDICT_VIOLATED)
        return;
    finding->verdict = other->verdict;
    finding->has_entry = other->has_entry;
    finding->entry = other->entry;
    memcpy(finding->rule, other->rule, sizeof finding->rule);
    memcpy(finding->sentence, other->sentence, sizeof finding->sentence);
}

const char *verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_INVALID:
        return "invalid";
    case VERDICT_NOT_PROVEN:
        return "undecidable";
    case VERDICT_PROVEN:
        return "proven";
    case VERDICT_VIOLATED:
        return "violated";
    case VERDICT_UNDECIDABLE:
        return "undecidable";
    case VERDICT_NOT_APPLICABLE:
        return "not applicable";
    }
    return "invalid";
}
