/* tests/world/beginning: the first part of a deployment, gone through once by the real driver,
 * which then dies, and gone back to for each case that goes on from there. Ownership: the worlds
 * are this file's until beginning_close_all(). */
#ifndef WORLD_BEGINNING_H
#define WORLD_BEGINNING_H

#include "fsm/machine.h"
#include "tests/world/person.h"

struct beginning {
    uint64_t seed;
    struct person_choice choice;
    struct titan_release release; /* its faults show from `state` on */
    const char *begin;            /* the command that opens it */
    const char *go;               /* and the one that comes to `state` */
    enum state state;             /* INVALID = it is only opened */
};

/* The world as it stands right after it was opened, or after the transition to
 * `state`. It is not to be closed, and is put
 * back when the same beginning is asked for again. */
struct scripted *beginning_of(const struct beginning *beginning);
int beginning_close_all(void **state); /* at the end of a group of tests */

#endif
