#include "verify/report/statement.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "verify/report/json.h"
#include "verify/report/policy.h"

static void write_digest(FILE *stream, const char *algorithm, const char *hex)
{
    fprintf(stream, "\"digest\":{\"%s\":\"%s\"}", algorithm, hex);
}

static void write_subjects(const struct deployed *deployed, FILE *stream)
{
    fputs("\"subject\":[{\"name\":\"commit\",", stream);
    write_digest(stream, "gitCommit", deployed->commit);
    for (size_t i = 0; i < deployed->count; i++) {
        const struct deployed_image *image = &deployed->images[i];
        char name[384];
        (void)snprintf(name, sizeof name, "%s/%s%s%s",
                       image->repository[0] != '\0' ? "manifest" : "image", image->service,
                       image->repository[0] != '\0' ? "/" : "", image->repository);
        fputs("},{", stream);
        json_write_pair(stream, "name", name);
        fputc(',', stream);
        write_digest(stream, "sha256", image->digest);
    }
    fputs("}]", stream);
}

/* Percent-encoded but for RFC 3986's unreserved characters: a target may be named in any words. */
static void write_resource(const char *target, FILE *stream)
{
    fputs("\"resourceUri\":\"titan:target:", stream);
    for (; *target != '\0'; target++) {
        unsigned char c = (unsigned char)*target;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                     || strchr("-._~", c) != NULL;
        fprintf(stream, plain ? "%c" : "%%%02X", c);
    }
    fputc('"', stream);
}

static void write_inputs(const struct report *report, FILE *stream)
{
    const struct report_inputs *inputs = &report->inputs;
    const struct deployment_report *deployment = &report->deployments[0];
    fprintf(stream, "\"inputAttestations\":[{\"uri\":\"titan:journal:%s\",", report->journal);
    write_digest(stream, "sha256", inputs->bundle);
    fprintf(stream,
            ",\"annotations\":{\"titan:deployment\":%llu,\"titan:entries\":%llu,\"titan:head\":\"%"
            "s\",\"titan:procedure\":\"%s\"}}",
            (unsigned long long)deployment->number, (unsigned long long)report->entries,
            report->head, deployment->procedure);
    for (size_t i = 0; i < inputs->checkpoint_count; i++) {
        fprintf(stream, ",{\"uri\":\"titan:checkpoint:%s:%llu\",", report->journal,
                (unsigned long long)inputs->checkpoints[i].size);
        write_digest(stream, "sha256", inputs->checkpoints[i].hash);
        fputc('}', stream);
    }
    fputc(']', stream);
}

/* Only what is proven has a name here: one that is left out must never make anything look better.
 */
static void write_levels(const struct report *report, FILE *stream)
{
    const struct deployment_report *deployment = &report->deployments[0];
    const char *comma = "";
    fputs("\"verifiedLevels\":[", stream);
    for (unsigned claim = 1; claim < CLAIMS; claim++) {
        if (deployment->claims[claim].verdict != VERDICT_PROVEN)
            continue;
        fprintf(stream, "%s\"TITAN_", comma);
        for (const char *at = claim_name((enum claim)claim); *at != '\0'; at++)
            fputc(toupper((unsigned char)*at), stream);
        fputc('"', stream);
        comma = ",";
    }
    if (report->anchored > deployment->last)
        fprintf(stream, "%s\"TITAN_ANCHORED\"", comma);
    fputc(']', stream);
}

static void write_predicate(const struct report *report, const char *verifier, const char *time,
                            const char *policy, FILE *stream)
{
    fputs("\"predicate\":{\"verifier\":{", stream);
    json_write_pair(stream, "id", verifier);
    fprintf(stream, ",\"version\":{\"titan-verify\":\"%s\"}},\"timeVerified\":\"%s\",",
            TITAN_VERSION, time);
    write_resource(report->target, stream);
    fputs(",\"policy\":{\"uri\":\"titan:policy:v1\",", stream);
    write_digest(stream, "sha256", policy);
    fprintf(stream, ",\"annotations\":{\"titan:trust\":{\"sha256\":\"%s\"}}},",
            report->inputs.trust);
    write_inputs(report, stream);
    fputs(",\"verificationResult\":\"PASSED\",", stream);
    write_levels(report, stream);
    fputc('}', stream);
}

static void free_text(char **text)
{
    free(*text);
}

enum error_code statement_text(const struct report *report, const char *verifier, const char *time,
                               struct bytes *ret_text, struct error *error)
{
    CLEANUP_BYTES struct bytes policy = {0};
    char *text __attribute__((cleanup(free_text))) = NULL;
    char policy_hash[SHA256_HEX + 1];
    size_t size = 0;
    enum error_code code = policy_text(&report->limits, &policy, error);
    if (code != ERROR_OK)
        return code;
    bytes_sha256_hex(policy.data, policy.size, policy_hash);
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL)
        return error_set(error, ERROR_MEMORY, 0, "", "", "out of memory");
    fputs("{\"_type\":\"https://in-toto.io/Statement/v1\",", stream);
    write_subjects(&report->deployments[0].deployed, stream);
    fputs(",\"predicateType\":\"https://slsa.dev/verification_summary/v1\",", stream);
    write_predicate(report, verifier, time, policy_hash, stream);
    fputc('}', stream);
    bool failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed)
        return error_set(error, ERROR_MEMORY, 0, "", "", "out of memory");
    return bytes_append(ret_text, text, size, error);
}
