/* tests/verify/tool: the program as an auditor runs it, on forged journals in a directory of the
 * test's own.
 * Use:       tool_init() in main; tool_set_up, tool_tear_down as the group's. The directory holds
 *            `trust`, with alice's key.
 * Ownership: tool_path() returns one of eight buffers in turn. Everything asserts. */
#ifndef TESTS_VERIFY_TOOL_H
#define TESTS_VERIFY_TOOL_H

#include <stddef.h>

#include "tests/verify/forge.h"

void tool_init(const char *program);
const char *tool_program(void);
int tool_set_up(void **state);
int tool_tear_down(void **state);

const char *tool_path(const char *name);
void tool_write(const char *name, const char *text);
void tool_bundle(const struct forge *forge, const char *name);
void tool_lmdb(struct forge *forge, const char *name);

/* Through the shell; both streams in `output`; the exit status. */
int tool_run(const char *command, char *output, size_t room);
int tool_verify(const char *path, const char *more, char *output, size_t room);

#endif
