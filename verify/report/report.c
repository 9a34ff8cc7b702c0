#include "verify/report/report.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"
#include "verify/report/json.h"

static const char *const claim_names[CLAIMS] = {NULL,        "integrity", "authority",
                                                "procedure", "preflight", "interlock",
                                                "parity",    "window",    "restoration",
                                                "clocks"};
static const char program[] = "titan-verify " TITAN_VERSION;

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->count; i++)
        deployed_free(&report->deployments[i].deployed);
    free(report->deployments);
    free(report->inputs.checkpoints);
    *report = (struct report){0};
}

const char *claim_name(enum claim claim)
{
    return claim_names[claim];
}

const char *report_status_word(enum verify_status status)
{
    switch (status) {
    case VERIFY_PROVEN:
        return "proven";
    case VERIFY_VIOLATED:
        return "violated";
    case VERIFY_USAGE:
        return "usage";
    case VERIFY_UNDECIDABLE:
        return "undecidable";
    case VERIFY_DAMAGED:
        return "damaged";
    case VERIFY_BOUND:
        return "bound exceeded";
    }
    return "undecidable";
}

struct remarks {
    struct remark *list;
    size_t count;
};

__attribute__((format(printf, 3, 4))) static void add_remark(struct remarks *remarks,
                                                             const char *rule, const char *format,
                                                             ...)
{
    va_list arguments;
    remarks->list = memory_grown(remarks->list, remarks->count + 1, sizeof *remarks->list);
    struct remark *remark = &remarks->list[remarks->count++];
    remark->rule = rule;
    va_start(arguments, format);
    (void)vsnprintf(remark->text, sizeof remark->text, format, arguments);
    va_end(arguments);
}

/* N-11 to N-16 */
static void remark_open(const struct deployment_report *deployment, struct remarks *remarks)
{
    unsigned long long number = (unsigned long long)deployment->number;
    if (deployment->driver[0] != '\0')
        add_remark(remarks, "N-11",
                   "Deployment %llu: changed on the operator's side since the previous deployment: "
                   "%s.",
                   number, deployment->driver);
    if (deployment->again || deployment->known_bad)
        add_remark(remarks, "N-11", "Deployment %llu: %s.", number,
                   deployment->again
                       ? "begun with --again: a commit that was rolled back before is "
                         "deployed on purpose"
                       : "the previous deployment went to this commit and was rolled back");
    if (deployment->unpinned)
        add_remark(remarks, "N-12",
                   "No host key of the target is pinned: nothing says that the same machine "
                   "answered each time.");
    if (deployment->missing[0] != '\0')
        add_remark(remarks, "N-13", "Deployment %llu: missing before it: %s.", number,
                   deployment->missing);
    if (deployment->restarted[0] != '\0')
        add_remark(remarks, "N-14", "Deployment %llu: started anew before anybody watched: %s.",
                   number, deployment->restarted);
    if (deployment->taken_away[0] != '\0')
        add_remark(remarks, "N-15", "Deployment %llu: an administrator's `settings` took away: %s.",
                   number, deployment->taken_away);
    if (deployment->approver[0] != '\0')
        add_remark(remarks, "N-16",
                   "Deployment %llu: %s approved it, took it over afterwards, and drove it alone "
                   "from there.",
                   number, deployment->approver);
}

/* N-04, N-17 */
static void remark_guard(const struct deployment_report *deployment, struct remarks *remarks)
{
    unsigned long long number = (unsigned long long)deployment->number;
    if (strcmp(deployment->guard, "absent") == 0)
        add_remark(remarks, "N-04",
                   "No dead-man guard lay on the target: had the driver died, nothing would have "
                   "rolled back by itself.");
    if (deployment->guard_process)
        add_remark(
            remarks, "N-04",
            "Deployment %llu: the dead-man guard was a process: a reboot of the target would "
            "have ended it, and nothing would have rolled back by itself.",
            number);
    if (deployment->guard_failed[0] != '\0')
        add_remark(remarks, "N-17", "Deployment %llu: the dead-man guard: %s.", number,
                   deployment->guard_failed);
}

/* What FORMAT.md demands to be named, of one deployment. */
static void remark_deployment(const struct deployment_report *deployment, struct remarks *remarks)
{
    unsigned long long number = (unsigned long long)deployment->number;
    if (deployment->looser[0] != '\0')
        add_remark(remarks, "N-01",
                   "Deployment %llu: the journal pins limits that are "
                   "looser than the standard's: %s.",
                   number, deployment->looser);
    if (deployment->patterns[0] != '\0')
        add_remark(remarks, "N-02", "Deployment %llu: these differ from the format's own: %s.",
                   number, deployment->patterns);
    if (deployment->no_endpoints)
        add_remark(remarks, "N-03",
                   "Deployment %llu: no endpoint is pinned, so that no health was asked for.",
                   number);
    if (deployment->no_checklist)
        add_remark(remarks, "N-03", "Deployment %llu: no checklist item is mandatory.", number);
    if (deployment->restarts[0] != '\0')
        add_remark(remarks, "N-03",
                   "Deployment %llu: these services may restart in the window: %s.", number,
                   deployment->restarts);
    if (deployment->words[0] != '\0')
        add_remark(remarks, "N-03",
                   "Deployment %llu: these words of an endpoint's own count for it: %s.", number,
                   deployment->words);
    remark_guard(deployment, remarks);
    if (deployment->changed[0] != '\0' && deployment->commands)
        add_remark(remarks, "N-05",
                   "Changed on the target between the deployments, before a command: %s.",
                   deployment->changed);
    else if (deployment->changed[0] != '\0')
        add_remark(
            remarks, "N-05",
            "Deployment %llu: changed on the target since the previous deployment ended: %s.",
            number, deployment->changed);
    if (deployment->by_word || deployment->untold)
        add_remark(remarks, "N-06", "Deployment %llu: %s.", number,
                   deployment->by_word ? "checklist items rest on a person's word"
                                       : "compose could not tell the configuration of a service");
    if (deployment->degraded[0] != '\0')
        add_remark(remarks, "N-06",
                   "Deployment %llu: these endpoints were degraded, or not healthy before anything "
                   "was changed: %s.",
                   number, deployment->degraded);
    if (deployment->bad[0] != '\0')
        add_remark(remarks, "N-06",
                   "Deployment %llu: these services ran before anything was changed, and were not "
                   "good: %s.",
                   number, deployment->bad);
    if (deployment->voice_absent)
        add_remark(remarks, "N-07",
                   "Deployment %llu: a service named no policy hash, or not the whole of it.",
                   number);
    if (deployment->given_up[0] != '\0')
        add_remark(remarks, "N-10",
                   "Deployment %llu was given up right before the first change: %s.", number,
                   deployment->given_up);
    if (deployment->back[0] != '\0')
        add_remark(remarks, "N-09", "Deployment %llu: on the way back: %s.", number,
                   deployment->back);
    if (deployment->stepped[0] != '\0')
        add_remark(remarks, "N-08", "Deployment %llu: %s.", number, deployment->stepped);
    remark_open(deployment, remarks);
}

void report_free_remarks(struct remark **remarks)
{
    free(*remarks);
}

size_t report_remarks(const struct report *report, struct remark **ret_remarks)
{
    struct remarks remarks = {.count = 0};
    char looser[LIMITS_LOOSER_BYTES];
    add_remark(&remarks, NULL,
               "The record is written by the driver: what the target did unseen is not in it.");
    add_remark(&remarks, NULL, "A target that lies consistently is believed.");
    if (limits_looser(&report->limits, looser, sizeof looser))
        add_remark(&remarks, "N-01", "The limits are looser than the standard's: judged by %s.",
                   looser);
    if (report->succeeds.journal[0] != '\0')
        add_remark(&remarks, NULL,
                   "This journal succeeds journal %s, lost at its entry %lld or later (hash "
                   "%.16s...), and proves nothing of it.",
                   report->succeeds.journal, (long long)report->succeeds.seq,
                   report->succeeds.hash);
    if (report->anchored < report->entries)
        add_remark(&remarks, NULL,
                   "A journal cut short still verifies. Only a checkpoint kept elsewhere shows "
                   "that nothing is missing at the end: none covers the entries from %llu on.",
                   (unsigned long long)report->anchored);
    if (report->verified > 0)
        add_remark(&remarks, NULL,
                   "The signatures of the first %llu entries were checked by an earlier run, as "
                   "the file of --verified says; this one checked that the entries are the same.",
                   (unsigned long long)report->verified);
    for (size_t i = 0; i < report->count; i++)
        remark_deployment(&report->deployments[i], &remarks);
    *ret_remarks = remarks.list;
    return remarks.count;
}

static void report_print_escaped(FILE *stream, const char *text)
{
    bytes_print_escaped(stream, text, strlen(text));
}

static void print_claims(const struct deployment_report *deployment, FILE *stream)
{
    for (unsigned claim = 1; claim < CLAIMS; claim++) {
        const struct finding *finding = &deployment->claims[claim];
        char word[24];
        (void)snprintf(word, sizeof word, "%s", verdict_name(finding->verdict));
        for (char *at = word; finding->verdict != VERDICT_NOT_APPLICABLE && *at != '\0'; at++)
            *at = (char)toupper((unsigned char)*at);
        fprintf(stream, "  %-14s  %-11s  ", word, claim_names[claim]);
        if (finding->has_entry)
            fprintf(stream, "entry %llu: ", (unsigned long long)finding->entry);
        if (finding->rule[0] != '\0')
            fprintf(stream, "%s: ", finding->rule);
        report_print_escaped(stream, finding->sentence);
        fputs("\n", stream);
    }
}

void report_text(const struct report *report, FILE *stream)
{
    CLEANUP_REMARKS struct remark *notes = NULL;
    size_t count = report_remarks(report, &notes);
    fprintf(stream, "journal %s of ", report->journal[0] != '\0' ? report->journal : "(unread)");
    report_print_escaped(stream, report->target[0] != '\0' ? report->target : "(unread)");
    if (strcmp(report->target, report->asked) != 0) {
        fputs(", NOT of ", stream);
        report_print_escaped(stream, report->asked);
        fputs(", which was asked for", stream);
    }
    fprintf(stream, ": %llu entries, head %s\n", (unsigned long long)report->entries, report->head);
    for (size_t i = 0; i < report->count; i++) {
        const struct deployment_report *deployment = &report->deployments[i];
        if (deployment->exists)
            fprintf(stream, "deployment %llu, %s: %s%s; dead-man guard: %s\n",
                    (unsigned long long)deployment->number, deployment->procedure,
                    deployment->state, deployment->ended ? "" : " (open)", deployment->guard);
        else
            fputs(deployment->commands ? "commands between the deployments\n"
                                       : "no deployment was judged\n",
                  stream);
        print_claims(deployment, stream);
    }
    fputs("Not proven by any of this:\n", stream);
    for (size_t i = 0; i < count; i++)
        fprintf(stream, "  %s%s%s\n", notes[i].rule != NULL ? notes[i].rule : "",
                notes[i].rule != NULL ? ": " : "", notes[i].text);
    char verdict[24];
    (void)snprintf(verdict, sizeof verdict, "%s", report_status_word(report->status));
    for (char *at = verdict; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    fprintf(stream, "%s\n", verdict);
}

static void write_claims(const struct deployment_report *deployment, FILE *stream)
{
    for (unsigned claim = 1; claim < CLAIMS; claim++) {
        const struct finding *finding = &deployment->claims[claim];
        fprintf(stream, "%s{\"claim\":\"%s\",\"verdict\":\"%s\",\"entry\":", claim > 1 ? "," : "",
                claim_names[claim], verdict_name(finding->verdict));
        if (finding->has_entry)
            fprintf(stream, "%llu,", (unsigned long long)finding->entry);
        else
            fputs("null,", stream);
        if (finding->rule[0] != '\0')
            fprintf(stream, "\"rule\":\"%s\",", finding->rule);
        else
            fputs("\"rule\":null,", stream);
        fputs("\"rules\":[", stream);
        for (unsigned i = 0; i < finding->rules_count; i++)
            fprintf(stream, "%s\"%s\"", i > 0 ? "," : "", finding->rules[i]);
        fputs("],", stream);
        json_write_pair(stream, "sentence", finding->sentence);
        fputs(",\"rests_on\":[", stream);
        for (unsigned i = 0; i < finding->rests_count; i++)
            fprintf(stream, "%s[%llu,%llu]", i > 0 ? "," : "",
                    (unsigned long long)finding->rests[i].first,
                    (unsigned long long)finding->rests[i].last);
        fputs("]}", stream);
    }
}

static void report_write_limits(const struct limits *limits, FILE *stream)
{
    const char *comma = "";
    fputs("\"limits\":{", stream);
#define REPORT_LIMIT(name)                                                   \
    fprintf(stream, "%s\"" #name "\":%lld", comma, (long long)limits->name); \
    comma = ",";
    NAMES_LIMITS(REPORT_LIMIT)
    fputs("}", stream);
}

static void report_write_head(enum verify_status status, FILE *stream)
{
    fputs("{\"titan_verify\":1,", stream);
    json_write_pair(stream, "program", program);
    fprintf(stream, ",\"verdict\":\"%s\",\"exit_status\":%d,", report_status_word(status),
            (int)status);
}

void report_json(const struct report *report, FILE *stream)
{
    CLEANUP_REMARKS struct remark *notes = NULL;
    size_t count = report_remarks(report, &notes);
    report_write_head(report->status, stream);
    json_write_pair(stream, "journal", report->journal);
    fputc(',', stream);
    json_write_pair(stream, "target", report->target);
    fputs(",", stream);
    json_write_pair(stream, "asked", report->asked);
    fprintf(stream, ",\"entries\":%llu,\"head\":\"%s\",\"anchored\":%llu,",
            (unsigned long long)report->entries, report->head,
            (unsigned long long)report->anchored);
    report_write_limits(&report->limits, stream);
    fputs(",\"deployments\":[", stream);
    for (size_t i = 0; i < report->count; i++) {
        const struct deployment_report *deployment = &report->deployments[i];
        fputs(i > 0 ? ",{" : "{", stream);
        if (deployment->exists)
            fprintf(stream,
                    "\"number\":%llu,\"procedure\":\"%s\",\"state\":\"%s\",\"ended\":%s,\"guard\":"
                    "\"%s\",",
                    (unsigned long long)deployment->number, deployment->procedure,
                    deployment->state, deployment->ended ? "true" : "false", deployment->guard);
        else
            fputs("\"number\":null,", stream);
        fputs("\"claims\":[", stream);
        write_claims(deployment, stream);
        fputs("]}", stream);
    }
    fputs("],\"not_proven\":[", stream);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? "," : "", stream);
        json_write_string(stream, notes[i].text);
    }
    fputs("],\"named\":[", stream);
    const char *comma = "";
    for (size_t i = 0; i < count; i++) {
        if (notes[i].rule == NULL)
            continue;
        fprintf(stream, "%s{\"rule\":\"%s\",", comma, notes[i].rule);
        json_write_pair(stream, "sentence", notes[i].text);
        fputs("}", stream);
        comma = ",";
    }
    fputs("]", stream);
    if (report->succeeds.journal[0] != '\0')
        fprintf(stream, ",\"succeeds\":{\"journal\":\"%s\",\"seq\":%lld,\"hash\":\"%s\"}",
                report->succeeds.journal, (long long)report->succeeds.seq, report->succeeds.hash);
    fputs("}\n", stream);
}

void report_json_error(enum verify_status status, const struct error *error, FILE *stream)
{
    report_write_head(status, stream);
    json_write_pair(stream, "where", error->where);
    fputc(',', stream);
    if (status == VERIFY_BOUND)
        fputs("\"rule\":\"I-09\",", stream);
    json_write_pair(stream, "sentence", error->what);
    fputs("}\n", stream);
}
