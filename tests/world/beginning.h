/* tests/world/beginning: the first part of a deployment. The real driver runs it once and then
 * dies; each case that starts there gets the world in that state again.
 * Ownership: the worlds are this file's until beginning_close_all(). */
#ifndef WORLD_BEGINNING_H
#define WORLD_BEGINNING_H

#include "fsm/machine.h"
#include "tests/world/person.h"

struct beginning {
    uint64_t seed;
    struct person_choice choice;
    struct titan_release release; /* its faults show from `state` on */
    const char *begin;            /* the command that opens it */
    const char *go;               /* the command that drives it to `state` */
    enum state state;             /* INVALID = it is only opened */
};

/* The world right after the transition to `state`, or after `begin`. The caller does not close it;
 * the next call with the same beginning restores it. */
struct scripted *beginning_of(const struct beginning *beginning);
int beginning_close_all(void **state); /* at the end of a group of tests */

#endif
