#include "verify/report/report.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

unsigned report_remarks(const struct report *report, char ret_remarks[REMARKS_MAX][REMARK_BYTES])
{
    unsigned count = 0;
    bool guard_absent = false;
    char looser[LIMITS_LOOSER_BYTES];
    for (size_t i = 0; i < report->count; i++)
        guard_absent = guard_absent || report->deployments[i].guard_absent;
    (void)snprintf(ret_remarks[count++], REMARK_BYTES,
                   "The record is written by the driver: what the target did unseen is not in it.");
    (void)snprintf(ret_remarks[count++], REMARK_BYTES,
                   "A target that lies consistently is believed.");
    if (limits_looser(&report->limits, looser, sizeof looser))
        (void)snprintf(ret_remarks[count++], REMARK_BYTES,
                       "The limits are looser than the standard's: judged by %s.", looser);
    if (report->succeeds.journal[0] != '\0')
        (void)snprintf(ret_remarks[count++], REMARK_BYTES,
                       "This journal succeeds journal %s, lost at its entry %lld or later (hash "
                       "%.16s...), and proves nothing of it.",
                       report->succeeds.journal, (long long)report->succeeds.seq,
                       report->succeeds.hash);
    if (report->anchored < report->entries)
        (void)snprintf(ret_remarks[count++], REMARK_BYTES,
                       "The end is unanchored: no checkpoint from outside covers the entries from "
                       "%llu on, and what stood behind the last may be missing.",
                       (unsigned long long)report->anchored);
    if (guard_absent)
        (void)snprintf(ret_remarks[count++], REMARK_BYTES,
                       "No dead-man guard lay on the target: had the driver died, nothing would "
                       "have rolled back by itself.");
    return count;
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
        report_print_escaped(stream, finding->sentence);
        fputs("\n", stream);
    }
}

void report_text(const struct report *report, FILE *stream)
{
    char notes[REMARKS_MAX][REMARK_BYTES];
    unsigned count = report_remarks(report, notes);
    fprintf(stream, "journal %s of ", report->journal[0] != '\0' ? report->journal : "(unread)");
    report_print_escaped(stream, report->target);
    fprintf(stream, ": %llu entries, head %s\n", (unsigned long long)report->entries, report->head);
    for (size_t i = 0; i < report->count; i++) {
        const struct deployment_report *deployment = &report->deployments[i];
        if (deployment->exists)
            fprintf(stream, "deployment %llu, %s: %s%s\n", (unsigned long long)deployment->number,
                    deployment->procedure, deployment->state, deployment->ended ? "" : " (open)");
        else
            fputs("no deployment was judged\n", stream);
        print_claims(deployment, stream);
    }
    fputs("Not proven by any of this:\n", stream);
    for (unsigned i = 0; i < count; i++)
        fprintf(stream, "  %s\n", notes[i]);
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
    char notes[REMARKS_MAX][REMARK_BYTES];
    unsigned count = report_remarks(report, notes);
    report_write_head(report->status, stream);
    json_write_pair(stream, "journal", report->journal);
    fputc(',', stream);
    json_write_pair(stream, "target", report->target);
    fprintf(stream, ",\"entries\":%llu,\"head\":\"%s\",\"anchored\":%llu,",
            (unsigned long long)report->entries, report->head,
            (unsigned long long)report->anchored);
    report_write_limits(&report->limits, stream);
    fputs(",\"deployments\":[", stream);
    for (size_t i = 0; i < report->count; i++) {
        const struct deployment_report *deployment = &report->deployments[i];
        fputs(i > 0 ? ",{" : "{", stream);
        if (deployment->exists)
            fprintf(stream, "\"number\":%llu,\"procedure\":\"%s\",\"state\":\"%s\",\"ended\":%s,",
                    (unsigned long long)deployment->number, deployment->procedure,
                    deployment->state, deployment->ended ? "true" : "false");
        else
            fputs("\"number\":null,", stream);
        fputs("\"claims\":[", stream);
        write_claims(deployment, stream);
        fputs("]}", stream);
    }
    fputs("],\"not_proven\":[", stream);
    for (unsigned i = 0; i < count; i++) {
        fputs(i > 0 ? "," : "", stream);
        json_write_string(stream, notes[i]);
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
    json_write_pair(stream, "sentence", error->what);
    fputs("}\n", stream);
}
