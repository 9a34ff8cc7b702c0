/* actions/compose/compose_complaint: what compose says of a file that does not render or leaves a
 * variable unset, and the line of the file at which that stands. Pure: no target.
 * Knows:     the sentences of either program; nothing of what else a file may hold.
 * Secrets:   nothing of the file is quoted but the names of its variables. */
#ifndef ACTIONS_COMPOSE_COMPLAINT_H
#define ACTIONS_COMPOSE_COMPLAINT_H

#include "journal/format/bytes.h"
#include "journal/format/error.h"

/* The complaint of compose in one line, without its quotes of the file: an environment may hold
 * secrets in clear text. */
void complaint_copy(const struct bytes *errors, char *ret_text, size_t capacity);
/* It warns of a variable that it blanks. */
bool complaint_has_unset(const char *complaint);
/* The line of `source`, from 1, that prevents it; 0 = not known. */
int complaint_line(const char *complaint, const char *source);
/* "FILE:LINE", or FILE where the line is 0. */
void complaint_place(const char *file, int line, char *ret_where, size_t capacity);
/* ERROR_REMOTE with the names and places of the variables that are not set. */
enum error_code complaint_say_unset(const char *file, const char *complaint, const char *source,
                                    struct error *error);

#endif
