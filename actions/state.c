#include "actions/state.h"

#include <stdio.h>
#include <string.h>

enum { STATUS_DAMAGED = 9 };

/* What is wrong with the file $1; nothing where it is missing. */
static const char WRONG[] =
    "wrong() { if [ -h \"$1\" ]; then echo 'is a symbolic link'; elif [ ! -e \"$1\" ]; then :; "
    "elif [ -d \"$1\" ]; then echo 'is a directory'; "
    "elif [ ! -f \"$1\" ]; then echo 'is no regular file'; "
    "elif [ ! -r \"$1\" ]; then echo 'cannot be read'; fi; }; ";

/* Says that $1 has fault $2 and sets it aside. */
static const char ASIDE[] =
    "read -r t r < /proc/uptime; found=; "
    "aside() { found=1; n=${1##*/}; if [ -z \"$mend\" ]; then echo \"$n $2\"; "
    "elif mv -f -- \"$1\" \"$1.damaged-$t\"; then echo \"$n $2, and was set aside as "
    "$n.damaged-$t\"; else echo \"$n $2\"; exit 10; fi; }; ";

/* The directory itself may be a link: an administrator lays it where there is room. */
static const char DIRECTORY[] =
    "if [ ! -d \"$s\" ]; then "
    "if [ -e \"$s\" ] || [ -h \"$s\" ]; then aside \"$s\" 'is no directory'; "
    "elif [ -n \"$expected\" ]; then found=1; echo \"${s##*/} is missing$again\"; fi; "
    "[ -z \"$mend\" ] || (umask 027; mkdir -p \"$s\") || exit 10; "
    "elif [ ! -w \"$s\" ] || [ ! -x \"$s\" ]; then echo \"${s##*/} cannot be written by this "
    "user\"; "
    "exit 10; fi; ";

/* Half a key is none: the other half goes with it. */
static const char KEY_FILES[] =
    "half() { [ -f \"$1\" ] && [ \"$(stat -L -c %s \"$1\")\" = 64 ]; }; "
    "i=$s/drift.inner; o=$s/drift.outer; "
    "if [ -e \"$i\" ] || [ -e \"$o\" ]; then half \"$i\" && half \"$o\" || { "
    "for f in \"$i\" \"$o\"; do [ ! -e \"$f\" ] || aside \"$f\" 'is not a whole key'; done; }; "
    "fi; ";

static void add_checks(struct text *script, const struct state_care *care)
{
    static const char *const names[] = {"deployment.json", "tenancy.lock", "deploy.lock",
                                        "command.pgid",    "command.out",  "drift.inner",
                                        "drift.outer",     "rolled-back"};
    CLEANUP_TEXT struct text pins = {0};
    text_add_format(&pins, "rollback-%lld.yml", (long long)care->deployment);
    text_add(script, "for n in ");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        text_add_quoted(script, names[i]);
        text_add(script, " ");
    }
    text_add_quoted_text(script, &pins);
    text_add(script,
             "; do f=$s/$n; w=$(wrong \"$f\"); [ -z \"$w\" ] || aside \"$f\" \"$w\"; done; ");
    if (care->garbage != NULL) {
        text_add(script, "f=$s/");
        text_add_quoted(script, care->garbage);
        text_add(script, "; [ ! -e \"$f\" ] || aside \"$f\" 'holds something else'; ");
    }
    text_add(script, KEY_FILES);
}

/* "a\nb\n" as "a; b". */
static enum error_code join_said(struct bytes *lines, struct bytes *ret_said, struct error *error)
{
    while (lines->size > 0 && lines->data[lines->size - 1] == '\n')
        lines->size--;
    for (size_t i = 0, from = 0; i <= lines->size; i++) {
        if (i < lines->size && lines->data[i] != '\n')
            continue;
        enum error_code code = bytes_append_format(ret_said, error, "%s%.*s", from > 0 ? "; " : "",
                                                   (int)(i - from),
                                                   (const char *)lines->data + from);
        if (code != ERROR_OK || i == lines->size)
            return code;
        from = i + 1;
    }
    return ERROR_OK;
}

enum error_code state_look_after(struct target *target, const struct state_care *care,
                                 struct bytes *ret_said, struct error *error)
{
    CLEANUP_TEXT struct text script = {0}, path = {0};
    CLEANUP_RESULT struct target_result result = {0};
    target_add_state_path(&path, target, "");
    text_add(&script, "exec 2>&1; s=");
    target_add_quoted_state_path(&script, target, "");
    text_add(&script, "; s=${s%/}; mend=");
    text_add(&script, care->mend ? "1; again=', and was made again'" : "; again=");
    text_add(&script, "; expected=");
    text_add(&script, care->expected ? "1; " : "; ");
    text_add(&script, WRONG);
    text_add(&script, ASIDE);
    text_add(&script, DIRECTORY);
    add_checks(&script, care);
    text_add_format(&script, "[ -z \"$found\" ] || exit %d", STATUS_DAMAGED);
    enum error_code code = target_run(target, &(struct target_command){.built = &script}, &result,
                                      error);
    if (code != ERROR_OK || result.status == 0)
        return code;
    if (result.status != STATUS_DAMAGED)
        return error_set(error, ERROR_REMOTE, result.status, text_string(&path),
                         "give the state directory to the deploy user, writable, and free space on "
                         "its disk, then titan-fsm resume",
                         "this tool's own files on the target cannot be mended: %.*s",
                         result.output.size < 300 ? (int)result.output.size : 300,
                         result.output.size > 0 ? (const char *)result.output.data : "");
    return join_said(&result.output, ret_said, error);
}
