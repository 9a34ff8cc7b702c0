#include "fsm/terminal/world_ticker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ticker {
    int64_t interval_ns;
    void (*tick)(void *);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool over;
};

static void *tick_until_stopped(void *argument)
{
    struct ticker *ticker = argument;
    (void)pthread_mutex_lock(&ticker->lock);
    while (!ticker->over) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t until_ns = until.tv_nsec + ticker->interval_ns;
        until.tv_sec += until_ns / 1000000000;
        until.tv_nsec = until_ns % 1000000000;
        (void)pthread_cond_timedwait(&ticker->wake, &ticker->lock, &until);
        if (!ticker->over)
            ticker->tick(ticker->context);
    }
    (void)pthread_mutex_unlock(&ticker->lock);
    return NULL;
}

/* With every signal blocked, so that they are delivered to the other threads. */
static int start_thread(struct ticker *ticker)
{
    sigset_t all, kept;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &kept);
    int code = pthread_create(&ticker->thread, NULL, tick_until_stopped, ticker);
    (void)pthread_sigmask(SIG_SETMASK, &kept, NULL);
    return code;
}

static void free_ticker(struct ticker *ticker)
{
    (void)pthread_cond_destroy(&ticker->wake);
    (void)pthread_mutex_destroy(&ticker->lock);
    free(ticker);
}

enum error_code ticker_start(int64_t interval_ns, void (*tick)(void *), void *tick_context,
                             void **ret_ticker, struct error *error)
{
    pthread_condattr_t attributes;
    struct ticker *ticker = calloc(1, sizeof *ticker);
    if (ticker == NULL)
        return error_set(error, ERROR_MEMORY, 0, "screen", "", "out of memory");
    ticker->interval_ns = interval_ns;
    ticker->tick = tick;
    ticker->context = tick_context;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&ticker->lock, NULL);
    (void)pthread_cond_init(&ticker->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    int code = start_thread(ticker);
    if (code != 0) {
        free_ticker(ticker);
        return error_set(error, ERROR_SYSTEM, code, "screen", "", "a thread cannot be started: %s",
                         strerror(code));
    }
    *ret_ticker = ticker;
    return ERROR_OK;
}

void ticker_stop(void *handle)
{
    struct ticker *ticker = handle;
    (void)pthread_mutex_lock(&ticker->lock);
    ticker->over = true;
    (void)pthread_cond_signal(&ticker->wake);
    (void)pthread_mutex_unlock(&ticker->lock);
    (void)pthread_join(ticker->thread, NULL);
    free_ticker(ticker);
}
