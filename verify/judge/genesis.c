/* What genesis pins, taken out of its body once. */
#include "verify/judge/audit.h"

bool genesis_read(struct entry *entry, struct genesis *ret_genesis)
{
    if (entry->type != ENTRY_GENESIS)
        return false;
    const struct node *body = entry_body(entry), *services = node_member(body, "services"),
                      *approvals = node_member(body, "approvals");
    struct genesis genesis = {.target = node_text(node_member(body, "target"), "name"),
                              .execution = node_text(services, "execution"),
                              .brain = node_text(services, "brain"),
                              .marker = node_is(node_member(body, "marker"), NODE_TRUE),
                              .endpoints = node_member(body, "endpoints"),
                              .checklist = node_member(body, "checklist"),
                              .approvals_policy = node_number(approvals, "policy", 0),
                              .approvals_release = node_number(approvals, "release", 0)};
    for (unsigned i = 1; i < PATTERNS; i++)
        genesis.patterns[i] = node_member(node_member(body, "patterns"),
                                          pattern_name((enum pattern)i));
    genesis.has_policy = genesis.execution.length > 0;
    *ret_genesis = genesis;
    return true;
}
