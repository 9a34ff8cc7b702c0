/* verify/rules/procedure: the groups of rules that the claim `procedure` is made of, one file
 * each. journal/FORMAT.md, "Machine" (P-01 to P-11, claim_procedure.c) and "Evidence".
 * Knows: what a step must carry, and that it is good in itself; parity, interlock and times are
 *        other claims. */
#ifndef VERIFY_PROCEDURE_H
#define VERIFY_PROCEDURE_H

#include "verify/judge/audit.h"

void procedure_check_rows(const struct audit *audit, struct finding *finding);     /* P-12, P-13 */
void procedure_check_subjects(const struct audit *audit, struct finding *finding); /* P-14, P-15 */
void procedure_check_places(const struct audit *audit, struct finding *finding);   /* P-16, P-17 */
void procedure_check_identity(const struct audit *audit, struct finding *finding); /* P-18 to 21 */
void procedure_check_lists(const struct audit *audit, struct finding *finding); /* P-28 to 31, 37 */
void procedure_check_changes(const struct audit *audit, struct finding *finding);        /* P-30 */
void procedure_check_configurations(const struct audit *audit, struct finding *finding); /* P-38 */
/* Whose containers others changed by make_safe, or between it and redeploy (N-09), in words. */
void procedure_name_changes(const struct audit *audit, char *ret_names, size_t room);
void procedure_check_state(const struct audit *audit, struct finding *finding);     /* P-22 to 24 */
void procedure_check_last_look(const struct audit *audit, struct finding *finding); /* P-32, P-33 */
void procedure_check_tenancy(const struct audit *audit, struct finding *finding);   /* P-25 */
void procedure_check_guard(const struct audit *audit,
                           struct finding *finding); /* P-26, P-39 to 42 */
void procedure_check_guard_fired(const struct audit *audit,
                                 struct finding *finding); /* P-43 to 45 */
void procedure_check_reconciled(const struct audit *audit, struct finding *finding); /* P-27 */
/* What the guard did not do (N-17), in words. */
void procedure_name_guard(const struct audit *audit, char *ret_words, size_t room);
/* The step that a transition ends, or that a reconciliation or a sample is of, by the intent that
 * it names. */
enum action procedure_action_of(const struct audit *audit, struct entry *entry);
/* An act of the driver that is no DISARM on the bus. */
bool procedure_is_act(const struct genesis *genesis, const struct item *item);
/* P-12 and P-13 of a command that says `observed`. */
void procedure_check_command_row(const struct audit *audit, struct entry *entry,
                                 struct finding *finding);
/* P-14 for one item alone; NULL, or what is wrong with its subject. */
const char *procedure_subject_fault(const struct audit *audit, const struct entry *entry,
                                    size_t place);
/* Services whose configuration compose could not tell (P-22). */
size_t procedure_untold(const struct audit *audit);

/* What of the last look of a deployment that was given up by `stale` differs (N-10), in words. */
void procedure_name_differences(const struct audit *audit, char *ret_names, size_t room);

/* The entry is of a step whose act a reconciliation took for done. */
bool procedure_is_adopted(const struct deployment *deployment, const struct entry *entry);

#endif
