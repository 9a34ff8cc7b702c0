/* journal/format/error: what went wrong, in a form that an operator can act on.
 * Knows:     the classes of error of the whole project; not how a program reports them: main()
 *            prints the error, once.
 * Convention: a function that the world can make fail returns `enum error_code`, ERROR_OK (0) for
 *            success, and fills the one `struct error` that its caller owns. Outputs named ret_*
 * are untouched on error. A caller's bug is an assert. Text:      `where` (file:line, host, entry),
 * `what` (one sentence, no newline), `next` (the next step). For people only: what does not fit
 * ends with "...". They may carry untrusted bytes: error_print() escapes them. */
#ifndef JOURNAL_ERROR_H
#define JOURNAL_ERROR_H

#include <stdbool.h>
#include <stdio.h>

#define CHECKED __attribute__((warn_unused_result))

enum error_code {
    ERROR_OK = 0,
    ERROR_USAGE,  /* wrong command line */
    ERROR_CONFIG, /* titan.yml or a limits file; `where` is file:line:column */
    ERROR_SYSTEM, /* a local system call; library_code is errno */
    ERROR_MEMORY,
    ERROR_DAMAGED,       /* a journal, bundle or file whose content is wrong */
    ERROR_JOURNAL_WRITE, /* the journal could not be written (full disk, permissions) */
    ERROR_HELD,          /* another driver holds the journal or the target */
    ERROR_UNREACHABLE,   /* the target, or a server on it, could not be reached */
    ERROR_HOST_REFUSED,  /* host key unknown, changed or revoked */
    ERROR_KEY_REFUSED,   /* signing key: passphrase, permission, roster, agent */
    ERROR_REFUSED,       /* the machine has no such edge, or a rule forbids it */
    ERROR_TIMEOUT,       /* a deadline passed */
    ERROR_PROTOCOL,      /* the other side sent an answer that cannot be parsed */
    ERROR_REMOTE,        /* a command on the target failed; library_code is its exit status */
    ERROR_LIMIT,         /* a size or count bound of ours was exceeded */
    ERROR_NEEDS_PERSON,  /* cannot go on without an answer or an attestation */
};

struct error {
    enum error_code code;
    int library_code; /* errno, or the library's own code; 0 where there is none */
    char where[160];
    char what[512];
    char next[320];
};

/* Whether an error of this process was that memory ran out, whatever else was made of it since:
 * what could not be read for want of memory is neither damaged nor tampered with. */
bool error_memory_ran_out(void);
void error_note_memory(void); /* it did, within a library that does not say so */

/* Fills *error and returns `code`, so that `return error_set(...)` is one line. `where` and `next`
 * may be "". That what comes back is `code` is visible to the compiler and to analyzers. */
enum error_code error_fill(struct error *error, enum error_code code, int library_code,
                           const char *where, const char *next, const char *what_format, ...)
    __attribute__((format(printf, 6, 7)));
#define error_set(error, code, ...) error_returns(error_fill(error, code, __VA_ARGS__), code)
static inline enum error_code error_returns(enum error_code filled, enum error_code code)
{
    (void)filled;
    return code;
}

/* "program: where: what; next" on one line, every control character escaped. */
void error_print(FILE *stream, const char *program, const struct error *error);

#endif
