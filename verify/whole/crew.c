#include "verify/whole/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { RUN = 16 }; /* things that a worker takes at once */

struct crew {
    crew_work *work;
    void *context;
    size_t count;
    atomic_size_t next;
    atomic_uint workers;
};

unsigned crew_size(void)
{
    cpu_set_t processors;
    int count = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors)
                                                                          : 1;
    return count < 1 ? 1 : count < CREW_MAX ? (unsigned)count : CREW_MAX;
}

static void *work_along(void *argument)
{
    struct crew *crew = argument;
    unsigned worker = atomic_fetch_add(&crew->workers, 1);
    for (size_t at; (at = atomic_fetch_add(&crew->next, RUN)) < crew->count;)
        for (size_t index = at; index < at + RUN && index < crew->count; index++)
            crew->work(crew->context, worker, index);
    return NULL;
}

void crew_run(size_t count, crew_work *work, void *context)
{
    struct crew crew = {.work = work, .context = context, .count = count};
    pthread_t threads[CREW_MAX];
    unsigned started = 0, size = crew_size();
    while (started + 1 < size && (size_t)started * RUN + RUN < count
           && pthread_create(&threads[started], NULL, work_along, &crew) == 0)
        started++;
    (void)work_along(&crew);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
}
