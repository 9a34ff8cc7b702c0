/* What the verifier says of every journal that make_cases.py made: honest ones, one for each rule,
 * and a sample of systematic changes. All of it is compared with rules.golden, word for word, so
 * that no finding can be lost without a test noticing; of the rest of each report a digest.
 * Rewriting: test_verify_rules --write FILE, after a change that was meant; the difference is then
 * read line by line. Of some cases only, in this order: test_verify_rules --only FILE, which is how
 * mutants.py asks for those that reach a place. */
#include "tests/verify/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "verify/read/file.h"

enum {
    TEXT_BYTES_MAX = 8 << 20,
    NAME_BYTES = 128,
    PATH_BYTES = 512,
    FOLD_COLUMNS = 90,
    RULES_A_LINE = 3
};

/* A sentence on lines of its own, none of them wider than the tree allows. */
static void print_folded(FILE *stream, const char *text)
{
    for (size_t length = strlen(text); length > 0;) {
        size_t part = length < FOLD_COLUMNS ? length : FOLD_COLUMNS;
        fprintf(stream, "  | %.*s |\n", (int)part, text);
        text += part;
        length -= part;
    }
}

static void print_finding(FILE *stream, const char *name,
                          const struct deployment_report *deployment, enum claim claim)
{
    const struct finding *finding = &deployment->claims[claim];
    fprintf(stream, "%s %llu%s %s: %s", name, (unsigned long long)deployment->number,
            deployment->commands ? " commands" : "", claim_name(claim),
            verdict_name(finding->verdict));
    for (unsigned i = 0; i < finding->rules_count; i++)
        fprintf(stream, "%s %s*%u", i > 0 && i % RULES_A_LINE == 0 ? "\n " : "", finding->rules[i],
                finding->rules_times[i]);
    if (finding->has_entry)
        fprintf(stream, " entry %llu", (unsigned long long)finding->entry);
    fputc('\n', stream);
    if (strncmp(name, "change_", 7) != 0)
        print_folded(stream, finding->sentence);
}

/* All that the report says of the deployments, in eight digits. */
static void print_digest(FILE *stream, const struct report *report)
{
    char *text = NULL, hex[SHA256_HEX + 1];
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    report_json(report, memory);
    (void)fclose(memory);
    const char *from = strstr(text, "\"deployments\"");
    assert_non_null(from);
    bytes_sha256_hex(from, strlen(from), hex);
    fprintf(stream, " %.8s\n", hex);
    free(text);
}

/* What an attestation would name (deployed.h). */
static void print_deployed(FILE *stream, const char *name, const struct deployed *deployed)
{
    if (deployed->known)
        fprintf(stream, "%s deployed %.8s\n", name, deployed->commit);
    for (size_t i = 0; i < deployed->count; i++)
        fprintf(stream, "%s deployed %s %.20s %.8s\n", name, deployed->images[i].service,
                deployed->images[i].repository, deployed->images[i].digest);
}

/* Of an honest journal everything; of another one what does not hold. */
static void print_report(FILE *stream, const char *name, const struct report *report)
{
    CLEANUP_REMARKS struct remark *remarks = NULL;
    size_t count = report_remarks(report, &remarks);
    bool honest = strncmp(name, "honest_", 7) == 0;
    fprintf(stream, "%s status %d", name, (int)report->status);
    print_digest(stream, report);
    for (size_t i = 0; i < report->count; i++)
        if (strncmp(name, "change_", 7) != 0)
            print_deployed(stream, name, &report->deployments[i].deployed);
    for (size_t i = 0; i < report->count; i++)
        for (unsigned claim = 1; claim < CLAIMS; claim++)
            if (honest || report->deployments[i].claims[claim].rules_count > 0)
                print_finding(stream, name, &report->deployments[i], (enum claim)claim);
    for (size_t i = 0; i < count; i++)
        if (remarks[i].rule != NULL && strncmp(name, "change_", 7) != 0) {
            fprintf(stream, "%s %s\n", name, remarks[i].rule);
            print_folded(stream, remarks[i].text);
        }
}

/* Part of the verifier where mutants.py asks what each case reaches (reached.c). */
__attribute__((weak)) void reached_case(const char *name);

static void judge_case(FILE *stream, const char *name)
{
    if (reached_case != NULL)
        reached_case(name);
    CLEANUP_REPORT struct report report = {0};
    char bundle[PATH_BYTES], trust[PATH_BYTES], limits[PATH_BYTES];
    struct error error;
    (void)snprintf(bundle, sizeof bundle, "%s/%s.bundle", CASES, name);
    (void)snprintf(trust, sizeof trust, "%s/%s.trust", CASES, name);
    (void)snprintf(limits, sizeof limits, "%s/%s.yml", CASES, name);
    const struct verify_options options = {.path = bundle,
                                           .trust = trust,
                                           .target = "titan-forge",
                                           .limits = limits,
                                           .selection = SELECTION_ALL};
    enum error_code code = verify_run(&options, &report, &error);
    if (code == ERROR_OK)
        print_report(stream, name, &report);
    else
        fprintf(stream, "%s ended with %d\n", name, (int)verify_status_of(&error));
}

/* Names of the cases, one after the other; false at the end. */
static bool next_case(FILE *index, char ret_name[NAME_BYTES])
{
    if (fgets(ret_name, NAME_BYTES, index) == NULL)
        return false;
    ret_name[strcspn(ret_name, "\n")] = '\0';
    return true;
}

/* Returns what of the golden text stands behind this case. */
static const char *compare_case(const char *wanted, const char *found)
{
    while (*found != '\0') {
        size_t left = strcspn(wanted, "\n"), right = strcspn(found, "\n");
        if (left != right || memcmp(wanted, found, left) != 0)
            fail_msg("wanted: %.*s\nfound:  %.*s\nwhere this is meant: --write " GOLDEN, (int)left,
                     wanted, (int)right, found);
        wanted += left + (wanted[left] != '\0');
        found += right + 1;
    }
    return wanted;
}

/* NULL: every case there is. */
static const char *only;

/* Where the golden text speaks of this case. */
static const char *find_golden(const struct bytes *golden, const char *name)
{
    char begin[NAME_BYTES + 2];
    size_t length = (size_t)snprintf(begin, sizeof begin, "\n%s ", name);
    if (golden->size >= length && memcmp(golden->data, begin + 1, length - 1) == 0)
        return (const char *)golden->data;
    const char *found = memmem(golden->data, golden->size, begin, length);
    assert_non_null(found);
    return found + 1;
}

/* Ends at the first difference. */
static void rules_each_case_as_recorded(void **state)
{
    (void)state;
    struct bytes golden = {0};
    struct error error;
    char name[NAME_BYTES];
    FILE *index = fopen(only != NULL ? only : CASES ".index", "r");
    assert_non_null(index);
    assert_int_equal(file_read(GOLDEN, TEXT_BYTES_MAX, &golden, NULL, &error), ERROR_OK);
    const char *wanted = (const char *)golden.data;
    while (next_case(index, name)) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        judge_case(stream, name);
        (void)fclose(stream);
        wanted = compare_case(only != NULL ? find_golden(&golden, name) : wanted, text);
        free(text);
    }
    (void)fclose(index);
    assert_true(only != NULL || *wanted == '\0');
    bytes_free(&golden);
}

static int write_golden(const char *path)
{
    FILE *stream = fopen(path, "w"), *index = fopen(CASES ".index", "r");
    char name[NAME_BYTES];
    if (stream == NULL || index == NULL)
        return 1;
    while (next_case(index, name))
        judge_case(stream, name);
    (void)fclose(index);
    return fclose(stream) == 0 ? 0 : 1;
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rules_each_case_as_recorded)};
    if (sodium_init() < 0)
        return 1;
    if (count == 3 && strcmp(words[1], "--write") == 0)
        return write_golden(words[2]);
    if (count == 3 && strcmp(words[1], "--only") == 0)
        only = words[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
