#include "verify/report/attest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "verify/report/dsse.h"
#include "verify/report/output.h"
#include "verify/report/statement.h"
#include "verify/report/wall_clock.h"

bool attest_is_uri(const char *text)
{
    size_t scheme = strspn(text,
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    if (!isalpha((unsigned char)text[0]) || text[scheme] != ':' || text[scheme + 1] == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}", *text) != NULL)
            return false;
    return true;
}

static enum error_code attest_refuse(const char *file, const char *what, const char *next,
                                     struct error *error)
{
    return error_set(error, ERROR_REFUSED, 0, file, next, "no attestation was written: %s", what);
}

static enum error_code attest_check(const struct report *report, const char *file,
                                    struct error *error)
{
    if (report->status != VERIFY_PROVEN)
        return attest_refuse(file, "the verdict is not PROVEN",
                             "see the claims above; only what is proven is attested", error);
    if (report->count != 1 || !report->deployments[0].exists)
        return attest_refuse(file, "it speaks of one deployment", "name it with --deployment N",
                             error);
    if (report->inputs.bundle[0] == '\0')
        return attest_refuse(file, "it names a bundle by its hash, and this is a directory",
                             "titan-fsm export makes a bundle", error);
    if (report->target[0] == '\0')
        return attest_refuse(file, "the target's name is too long to be told in full",
                             "give the target a shorter name", error);
    if (strcmp(report->deployments[0].state, "completed") != 0)
        return attest_refuse(file,
                             "this deployment left nothing deployed that could be its subject",
                             "name a completed one with --deployment N", error);
    if (!report->deployments[0].deployed.known)
        return attest_refuse(file, "the record does not name every image by a digest",
                             "see `compose.images` of `pulled`", error);
    return ERROR_OK;
}

/* Never over a file that is there: an attestation may have been handed on already. */
static enum error_code write_envelope(const char *file, const struct bytes *text,
                                      struct error *error)
{
    CLEANUP_OUTPUT struct output output = {0};
    enum error_code code = output_open(file, OUTPUT_KEEPS, &output, error);
    if (code == ERROR_OK)
        (void)fwrite(text->data, 1, text->size, output.stream);
    return code == ERROR_OK ? output_commit(&output, error) : code;
}

enum error_code attest_write(const struct report *report, const struct attest_options *options,
                             struct error *error)
{
    CLEANUP_SIGNING_KEY struct signing_key key = {0};
    CLEANUP_BYTES struct bytes statement = {0};
    CLEANUP_BYTES struct bytes envelope = {0};
    char time[WALL_CLOCK_BYTES];
    enum error_code code = attest_check(report, options->file, error);
    if (code == ERROR_OK)
        code = wall_clock_utc(time, error);
    if (code != ERROR_OK)
        return code;
    code = statement_text(report,
                          options->verifier != NULL ? options->verifier : STATEMENT_VERIFIER, time,
                          &statement, error);
    if (code == ERROR_OK)
        code = signing_key_read(options->key, &key, error);
    if (code == ERROR_OK)
        code = dsse_envelope(STATEMENT_PAYLOAD_TYPE, statement.data, statement.size, &key,
                             &envelope, error);
    return code == ERROR_OK ? write_envelope(options->file, &envelope, error) : code;
}
