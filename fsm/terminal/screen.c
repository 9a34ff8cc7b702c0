#include "fsm/terminal/screen.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fsm/terminal/echo.h"

static const long TICK_NS = 500000000;
enum { COLUMNS_UNKNOWN = 80, ROWS_UNKNOWN = 24, ROWS_LEAST = 4 };

struct screen {
    const struct clock *clock;
    bool (*was_disturbed)(void);
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t ticker;
    struct display_model model;
    unsigned drawn; /* lines of the frame that stands */
    bool has_model, colour, paused, over, disturbed;
};

bool screen_is_possible(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && term != NULL && term[0] != '\0'
           && strcmp(term, "dumb") != 0;
}

/* One cell and one line are left free, so that no terminal wraps or scrolls by itself. */
static struct display_size size_of(const struct screen *screen)
{
    struct winsize size = {.ws_col = 0};
    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    unsigned columns = size.ws_col > 1 ? size.ws_col : COLUMNS_UNKNOWN,
             rows = size.ws_row > 0 ? size.ws_row : ROWS_UNKNOWN;
    return (struct display_size){.columns = columns - 1,
                                 .rows = rows > ROWS_LEAST ? rows - 1 : ROWS_LEAST,
                                 .colour = screen->colour};
}

/* What stands is not the frame alone any more: it is left where it is. */
static void look_for_disturbance(struct screen *screen)
{
    if (screen->disturbed || screen->was_disturbed == NULL || !screen->was_disturbed())
        return;
    screen->disturbed = true;
    screen->drawn = 0;
}

static void erase(struct screen *screen)
{
    look_for_disturbance(screen);
    if (screen->drawn > 0)
        fprintf(stdout, "\r\033[%uA\033[J", screen->drawn);
    screen->drawn = 0;
}

/* Each line is written over the old one and its rest erased: nothing flickers. */
static void draw(struct screen *screen)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct error ignored;
    struct display_size size = size_of(screen);
    if (!screen->has_model || screen->paused)
        return;
    if (!screen->model.ended)
        screen->model.now_ns = clock_boottime_ns(screen->clock);
    if (display_render(&screen->model, &size, &text, &ignored) != ERROR_OK)
        return;
    look_for_disturbance(screen);
    if (screen->drawn > 0)
        fprintf(stdout, "\r\033[%uA", screen->drawn);
    unsigned lines = 0;
    for (const char *at = (const char *)text.data; at != NULL && *at != '\0'; lines++) {
        size_t length = strcspn(at, "\n");
        fprintf(stdout, "%.*s\033[K\n", (int)length, at);
        at += length + 1;
    }
    fputs("\033[J", stdout);
    (void)fflush(stdout);
    screen->drawn = lines;
}

static void *tick(void *context)
{
    struct screen *screen = context;
    (void)pthread_mutex_lock(&screen->lock);
    while (!screen->over) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&screen->wake, &screen->lock, &until);
        if (!screen->over)
            draw(screen);
    }
    (void)pthread_mutex_unlock(&screen->lock);
    return NULL;
}

static int start(struct screen *screen)
{
    pthread_condattr_t attributes;
    sigset_t all, kept;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&screen->lock, NULL);
    (void)pthread_cond_init(&screen->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &kept);
    int code = pthread_create(&screen->ticker, NULL, tick, screen);
    (void)pthread_sigmask(SIG_SETMASK, &kept, NULL);
    return code;
}

enum error_code screen_open(const struct clock *clock, bool (*was_disturbed)(void),
                            struct screen **ret_screen, struct error *error)
{
    struct screen *screen = calloc(1, sizeof *screen);
    if (screen == NULL)
        return error_set(error, ERROR_MEMORY, 0, "screen", "", "out of memory");
    const char *plain = getenv("NO_COLOR");
    screen->clock = clock;
    screen->was_disturbed = was_disturbed;
    screen->colour = plain == NULL || plain[0] == '\0';
    int code = start(screen);
    if (code != 0) {
        free(screen);
        return error_set(error, ERROR_SYSTEM, code, "screen", "", "a thread cannot be started: %s",
                         strerror(code));
    }
    echo_open();
    echo_silence();
    *ret_screen = screen;
    return ERROR_OK;
}

void screen_close(struct screen *screen)
{
    if (screen == NULL)
        return;
    (void)pthread_mutex_lock(&screen->lock);
    draw(screen);
    screen->over = true;
    (void)pthread_cond_signal(&screen->wake);
    (void)pthread_mutex_unlock(&screen->lock);
    (void)pthread_join(screen->ticker, NULL);
    echo_restore();
    (void)pthread_cond_destroy(&screen->wake);
    (void)pthread_mutex_destroy(&screen->lock);
    free(screen);
}

void screen_show(struct screen *screen, const struct display_model *model)
{
    (void)pthread_mutex_lock(&screen->lock);
    screen->model = *model;
    screen->has_model = true;
    draw(screen);
    (void)pthread_mutex_unlock(&screen->lock);
}

void screen_pull(struct screen *screen, const char *line)
{
    (void)pthread_mutex_lock(&screen->lock);
    (void)snprintf(screen->model.pull, sizeof screen->model.pull, "%s", line);
    draw(screen);
    (void)pthread_mutex_unlock(&screen->lock);
}

void screen_begin(struct screen *screen)
{
    (void)pthread_mutex_lock(&screen->lock);
    erase(screen);
}

void screen_end(struct screen *screen)
{
    (void)fflush(stdout);
    draw(screen);
    (void)pthread_mutex_unlock(&screen->lock);
}

static void set_paused(struct screen *screen, bool paused)
{
    screen_begin(screen);
    screen->paused = paused;
    if (paused)
        echo_ask();
    else
        echo_silence();
    screen_end(screen);
}

void screen_pause(struct screen *screen)
{
    set_paused(screen, true);
}

void screen_resume(struct screen *screen)
{
    set_paused(screen, false);
}
