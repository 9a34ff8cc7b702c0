#include "verify/verify.h"

#include <stdlib.h>
#include <string.h>

#include "journal/format/allowed_signers.h"
#include "journal/format/note.h"
#include "verify/page/html.h"
#include "verify/read/file.h"
#include "verify/read/memory.h"
#include "verify/read/reader.h"
#include "verify/whole/anchors.h"
#include "verify/whole/clocks.h"
#include "verify/judge/reading.h"
#include "verify/report/named.h"

enum { TRUST_BYTES_MAX = 1 << 20 };

typedef void claim_function(const struct audit *audit, struct finding *finding);
static claim_function *const claims[CLAIMS] = {
    [CLAIM_INTEGRITY] = claim_integrity, [CLAIM_AUTHORITY] = claim_authority,
    [CLAIM_PROCEDURE] = claim_procedure, [CLAIM_PREFLIGHT] = claim_preflight,
    [CLAIM_INTERLOCK] = claim_interlock, [CLAIM_PARITY] = claim_parity,
    [CLAIM_WINDOW] = claim_window,       [CLAIM_RESTORATION] = claim_restoration,
    [CLAIM_CLOCKS] = claim_clocks};

enum verify_status verify_status_of(const struct error *error)
{
    if (error->code == ERROR_DAMAGED)
        return VERIFY_DAMAGED;
    return error->code == ERROR_LIMIT || error->code == ERROR_MEMORY ? VERIFY_BOUND : VERIFY_USAGE;
}

static void init_findings(struct deployment_report *deployment)
{
    for (unsigned claim = 0; claim < CLAIMS; claim++)
        finding_init(&deployment->claims[claim]);
}

static void judge_deployment(struct audit *audit, uint64_t number, const struct finding *authority,
                             struct deployment_report *ret_deployment)
{
    struct deployment_report *deployment = ret_deployment;
    (void)genesis_read(audit->record, number, &audit->genesis);
    deployment_collect(audit->record, &audit->genesis, number, &audit->deployment);
    *deployment = (struct deployment_report){.exists = true,
                                             .number = number,
                                             .ended = audit->deployment.ended};
    deployment->last = (uint64_t)audit->deployment.entries[audit->deployment.count - 1]->seq;
    deployed_collect(&audit->deployment, &deployment->deployed);
    (void)slice_copy(slice_of(audit->deployment.policy ? "policy" : "release"),
                     deployment->procedure, sizeof deployment->procedure);
    (void)slice_copy(slice_of(state_name(audit->deployment.state)), deployment->state,
                     sizeof deployment->state);
    named_collect(audit, deployment);
    init_findings(deployment);
    for (unsigned claim = 1; claim < CLAIMS; claim++) {
        if (claim == CLAIM_AUTHORITY)
            deployment->claims[claim] = *authority;
        else
            claims[claim](audit, &deployment->claims[claim]);
    }
    deployment_free(&audit->deployment);
}

/* The commands between the deployments (L-17). False where there is none to judge. */
static bool judge_commands(struct audit *audit, const struct finding *authority,
                           struct deployment_report *ret_commands)
{
    (void)genesis_read(audit->record, audit->record->count, &audit->genesis);
    deployment_collect_commands(audit->record, &audit->genesis, &audit->deployment);
    *ret_commands = (struct deployment_report){.commands = true, .ended = true};
    init_findings(ret_commands);
    struct finding *claims_of = ret_commands->claims;
    claim_integrity(audit, &claims_of[CLAIM_INTEGRITY]);
    claims_of[CLAIM_AUTHORITY] = *authority;
    claim_clocks(audit, &claims_of[CLAIM_CLOCKS]);
    named_collect_commands(audit, ret_commands);
    unsigned judged = commands_judge(audit, &claims_of[CLAIM_INTERLOCK], &claims_of[CLAIM_PARITY]);
    finding_conclude(&claims_of[CLAIM_INTERLOCK], NULL,
                     "%u commands between the deployments, each as its evidence shows", judged);
    finding_conclude(&claims_of[CLAIM_PARITY], NULL,
                     "every ARM by hand was sent on one policy hash");
    for (unsigned claim = 1; claim < CLAIMS; claim++)
        finding_not_applicable(&claims_of[claim], "these are commands outside of any deployment");
    deployment_free(&audit->deployment);
    return judged > 0;
}

/* No deployment to judge, or a record in which none may be looked for. */
static void judge_none(struct audit *audit, const struct finding *authority, const char *why,
                       struct deployment_report *ret_deployment)
{
    *ret_deployment = (struct deployment_report){.exists = false};
    init_findings(ret_deployment);
    claim_integrity(audit, &ret_deployment->claims[CLAIM_INTEGRITY]);
    if (authority != NULL)
        ret_deployment->claims[CLAIM_AUTHORITY] = *authority;
    for (unsigned claim = 1; claim < CLAIMS; claim++)
        finding_undecidable(&ret_deployment->claims[claim], "I-01", NULL, "%s", why);
}

static size_t select_deployments(const struct record *record, enum selection selection,
                                 uint64_t number, uint64_t **ret_numbers)
{
    uint64_t *numbers = memory_zeroed(record->count, sizeof *numbers);
    size_t count = 0;
    for (size_t i = 0; i < record->count; i++) {
        const struct entry *entry = &record->entries[i];
        if (entry->type != ENTRY_OPEN || entry->deployment != entry->seq
            || (selection == SELECTION_ONE && (uint64_t)i != number))
            continue;
        if (selection == SELECTION_LAST)
            count = 0;
        numbers[count++] = i;
    }
    *ret_numbers = numbers;
    return count;
}

static enum verify_status status_of(const struct report *report)
{
    bool violated = false, undecided = false;
    for (size_t i = 0; i < report->count; i++) {
        for (unsigned claim = 1; claim < CLAIMS; claim++) {
            enum verdict verdict = report->deployments[i].claims[claim].verdict;
            violated = violated || verdict == VERDICT_VIOLATED;
            undecided = undecided
                        || (verdict != VERDICT_PROVEN && verdict != VERDICT_NOT_APPLICABLE);
        }
    }
    return violated                          ? VERIFY_VIOLATED
           : undecided || report->count == 0 ? VERIFY_UNDECIDABLE
                                             : VERIFY_PROVEN;
}

static void describe_record(const struct audit *audit, struct report *report)
{
    const struct record *record = audit->record;
    const struct entry *last = &record->entries[record->count - 1];
    uint8_t hash[SHA256_BYTES];
    bytes_sha256(last->value.data, last->value.size, hash);
    bytes_hex(hash, sizeof hash, report->head);
    report->entries = record->count;
    report->limits = *audit->limits;
    report->verified = audit->verified.size;
    (void)slice_copy(slice_of(record->entries[0].journal), report->journal, sizeof report->journal);
    (void)slice_copy(slice_of(audit->target), report->asked, sizeof report->asked);
    if (record->entries[0].read)
        (void)slice_copy(node_text(node_member(entry_body(&record->entries[0]), "target"), "name"),
                         report->target, sizeof report->target);
    for (size_t i = 0; i < audit->checkpoint_count; i++)
        if (audit->checkpoints[i].size > report->anchored
            && audit->whole.verdict != VERDICT_VIOLATED)
            report->anchored = audit->checkpoints[i].size;
}

static void free_numbers(uint64_t **numbers)
{
    free(*numbers);
}

static void judge_selected(struct audit *audit, enum selection selection, const uint64_t *numbers,
                           size_t count, struct report *report)
{
    struct finding authority;
    finding_init(&authority);
    report->count = count > 0 ? count : 1;
    report->deployments = memory_zeroed(report->count + 1, sizeof *report->deployments);
    if (!genesis_read(audit->record, 1, &audit->genesis)) {
        finding_violated(&authority, "A-01", &audit->record->entries[0],
                         "the journal does not begin with a genesis");
        report->count = 1;
        judge_none(audit, &authority,
                   "without a genesis there is nothing by which it could be judged",
                   &report->deployments[0]);
        return;
    }
    const struct node *succeeds = node_member(entry_body(&audit->record->entries[0]), "succeeds");
    report->succeeds.seq = node_number(succeeds, "seq", 0);
    (void)slice_copy(node_text(succeeds, "journal"), report->succeeds.journal,
                     sizeof report->succeeds.journal);
    (void)slice_copy(node_text(succeeds, "hash"), report->succeeds.hash,
                     sizeof report->succeeds.hash);
    claim_authority(audit, &authority);
    for (size_t i = 0; i < count; i++)
        judge_deployment(audit, numbers[i], &authority, &report->deployments[i]);
    if (count == 0)
        judge_none(audit, &authority, "there is no deployment in this journal",
                   &report->deployments[0]);
    if (selection == SELECTION_ALL
        && judge_commands(audit, &authority, &report->deployments[report->count]))
        report->count++;
}

static void free_clocks(struct clocks **clocks)
{
    clocks_free(*clocks);
}

enum error_code verify_record(struct record *record, struct audit *audit, enum selection selection,
                              uint64_t number, struct report *ret_report, struct error *error)
{
    uint64_t *numbers __attribute__((cleanup(free_numbers))) = NULL;
    struct report report = {.count = 0};
    audit->record = record;
    integrity_check(audit);
    if (record->beyond != NULL)
        return error_set(error, ERROR_LIMIT, 0, "",
                         "it may be a good journal: use another verifier",
                         "entry %lld lists more than %d containers, or a service whose name has "
                         "more than %d characters",
                         (long long)record->beyond->seq, LISTING_ROWS_MAX, LISTING_NAME_MAX);
    describe_record(audit, &report);
    if (audit->whole.verdict == VERDICT_VIOLATED) {
        report.deployments = memory_zeroed(1, sizeof *report.deployments);
        report.count = 1;
        judge_none(audit, NULL, "the record is not whole: nothing can be said from it",
                   &report.deployments[0]);
    } else {
        size_t count = select_deployments(record, selection, number, &numbers);
        if (selection == SELECTION_ONE && count == 0)
            return error_set(
                error, ERROR_USAGE, 0, "--deployment",
                "a deployment's number is that of its `open` entry; titan-fsm log shows it",
                "no deployment %llu was opened in this journal", (unsigned long long)number);
        struct clocks *clocks __attribute__((cleanup(free_clocks))) = clocks_follow(record);
        struct tenancy_past tenancy = {.epoch = -1, .head = -1};
        anchors_check(audit, &audit->anchors);
        audit->clocks = clocks;
        audit->tenancy = &tenancy;
        judge_selected(audit, selection, numbers, count, &report);
        anchors_free(&audit->anchors);
        audit->clocks = NULL;
        audit->tenancy = NULL;
    }
    report.status = status_of(&report);
    report_free(ret_report);
    *ret_report = report;
    return ERROR_OK;
}

struct inputs {
    struct record record;
    struct limits limits;
    struct allowed_signers trust;
    char trust_hash[SHA256_HEX + 1];
    struct outside_checkpoint checkpoints[CHECKPOINTS_MAX];
    size_t count;
};

static void free_inputs(struct inputs *inputs)
{
    record_free(&inputs->record);
    allowed_signers_free(&inputs->trust);
    for (size_t i = 0; i < inputs->count; i++)
        bytes_free(&inputs->checkpoints[i].note);
}

static enum error_code as_usage(enum error_code code, struct error *error)
{
    if (code != ERROR_OK && code != ERROR_MEMORY)
        error->code = ERROR_USAGE;
    return code == ERROR_OK || code == ERROR_MEMORY ? code : ERROR_USAGE;
}

static enum error_code read_checkpoint(const char *path, struct inputs *inputs, struct error *error)
{
    struct outside_checkpoint *place = &inputs->checkpoints[inputs->count++];
    struct checkpoint checkpoint;
    *place = (struct outside_checkpoint){.path = path};
    enum error_code code = file_read(path, NOTE_BYTES_MAX, &place->note, NULL, error);
    if (code == ERROR_OK)
        code = checkpoint_read(place->note.data, place->note.size, &checkpoint, error);
    if (code != ERROR_OK) {
        (void)snprintf(error->where, sizeof error->where, "%s", path);
        return as_usage(code, error);
    }
    place->size = checkpoint.size;
    return ERROR_OK;
}

static enum error_code read_inputs(const struct verify_options *options, struct inputs *inputs,
                                   struct error *error)
{
    CLEANUP_BYTES struct bytes trust = {0};
    limits_default(&inputs->limits);
    enum error_code code = options->limits != NULL
                               ? limits_read(options->limits, &inputs->limits, error)
                               : ERROR_OK;
    if (code == ERROR_OK)
        code = as_usage(file_read(options->trust, TRUST_BYTES_MAX, &trust, NULL, error), error);
    if (code == ERROR_OK)
        bytes_sha256_hex(trust.data, trust.size, inputs->trust_hash);
    if (code == ERROR_OK)
        code = as_usage(allowed_signers_read(options->trust, trust.data, trust.size, &inputs->trust,
                                             error),
                        error);
    for (size_t i = 0; code == ERROR_OK && i < options->checkpoint_count; i++)
        code = read_checkpoint(options->checkpoints[i], inputs, error);
    return code;
}

static void name_inputs(const struct inputs *inputs, struct report_inputs *named)
{
    memcpy(named->trust, inputs->trust_hash, sizeof named->trust);
    if (inputs->record.is_bundle)
        bytes_hex(inputs->record.bundle_hash, SHA256_BYTES, named->bundle);
    named->checkpoints = memory_zeroed(inputs->count, sizeof *named->checkpoints);
    for (; named->checkpoint_count < inputs->count; named->checkpoint_count++) {
        const struct outside_checkpoint *checkpoint = &inputs->checkpoints[named->checkpoint_count];
        bytes_sha256_hex(checkpoint->note.data, checkpoint->note.size,
                         named->checkpoints[named->checkpoint_count].hash);
        named->checkpoints[named->checkpoint_count].size = checkpoint->size;
    }
}

/* A page of an earlier run must not stand beside another verdict. If this one cannot be written
 * either, the first error is still the one to be told. */
static void write_unread(const struct verify_options *options, const struct error *why)
{
    enum verify_status status = verify_status_of(why);
    struct error second;
    if (options->html == NULL || (status != VERIFY_DAMAGED && status != VERIFY_BOUND))
        return;
    enum error_code code = html_write_unread(options->html, options->target, status, why, &second);
    (void)code;
}

/* For the next run, which has to check the signatures behind these entries only. */
static enum error_code note_verified(const struct audit *audit, const struct report *report,
                                     struct error *error)
{
    struct verified verified = {.path = audit->verified.path, .size = report->entries};
    memcpy(verified.journal, report->journal, sizeof verified.journal);
    memcpy(verified.head, report->head, sizeof verified.head);
    return verified_write(&verified, error);
}

enum error_code verify_run(const struct verify_options *options, struct report *ret_report,
                           struct error *error)
{
    struct inputs inputs __attribute__((cleanup(free_inputs))) = {.count = 0};
    enum error_code code = read_inputs(options, &inputs, error);
    if (code == ERROR_OK)
        code = reader_read(options->path, &inputs.record, error);
    if (code != ERROR_OK) {
        write_unread(options, error);
        return code;
    }
    struct audit audit = {.limits = &inputs.limits,
                          .trust = &inputs.trust,
                          .target = options->target,
                          .journal = options->journal,
                          .checkpoints = inputs.checkpoints,
                          .checkpoint_count = inputs.count,
                          .require_anchor = options->require_anchor};
    if (options->verified != NULL)
        code = verified_read(options->verified, &audit.verified, error);
    if (code == ERROR_OK)
        code = verify_record(&inputs.record, &audit, options->selection, options->deployment,
                             ret_report, error);
    if (code == ERROR_OK && error_memory_ran_out()) /* what could not be read is no finding */
        code = error_set(error, ERROR_MEMORY, 0, options->path, "use a machine with more of it",
                         "out of memory");
    if (code == ERROR_OK)
        name_inputs(&inputs, &ret_report->inputs);
    if (code == ERROR_OK && options->verified != NULL && audit.whole.verdict != VERDICT_VIOLATED)
        code = note_verified(&audit, ret_report, error);
    return code == ERROR_OK && options->html != NULL
               ? html_write(options->html, &audit, ret_report, error)
               : code;
}
