#include "journal/format/crash.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

#include "journal/format/error.h"

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT};
enum { CRASHES = sizeof crashes / sizeof crashes[0] };
static _Thread_local sigjmp_buf *way_back; /* NULL = no call is running */

static void answer_crash(int number)
{
    if (way_back != NULL && errno == ENOMEM)
        siglongjmp(*way_back, 1);
    const struct sigaction end = {.sa_handler = SIG_DFL};
    (void)sigaction(number, &end, NULL); /* it happens again behind this, and ends the process */
}

static bool ends_whole(void (*call)(void *context), void *context)
{
    sigjmp_buf here;
    if (sigsetjmp(here, 1) != 0)
        return false;
    way_back = &here;
    errno = 0;
    call(context);
    return true;
}

bool crash_contain(void (*call)(void *context), void *context)
{
    struct sigaction before[CRASHES];
    struct sigaction answer = {.sa_handler = answer_crash};
    (void)sigemptyset(&answer.sa_mask);
    for (size_t i = 0; i < CRASHES; i++)
        (void)sigaction(crashes[i], &answer, &before[i]);
    bool whole = ends_whole(call, context);
    way_back = NULL;
    for (size_t i = 0; i < CRASHES; i++)
        (void)sigaction(crashes[i], &before[i], NULL);
    if (!whole)
        error_note_memory();
    return whole;
}
