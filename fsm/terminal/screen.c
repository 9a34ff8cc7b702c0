#include "fsm/terminal/screen.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t REDRAW_NS = 500000000;
enum { COLUMNS_UNKNOWN = 80, ROWS_UNKNOWN = 24, ROWS_LEAST = 4 };

struct screen {
    const struct world *world;
    pthread_mutex_t lock;
    void *ticker;
    struct display_model model;
    unsigned drawn; /* lines of the frame on the terminal */
    bool has_model, colour, paused, disturbed;
};

bool screen_is_possible(const struct world *world)
{
    const struct world_terminal *terminal = world->terminal;
    const char *term = world->host->environment(world->host->context, "TERM");
    return terminal->is_terminal(terminal->context, STDOUT_FILENO) && term != NULL
           && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

/* One cell and one line stay free, so that no terminal wraps or scrolls. */
static struct display_size size_of(const struct screen *screen)
{
    const struct world_terminal *terminal = screen->world->terminal;
    unsigned rows = 0, columns = 0;
    bool known = terminal->size(terminal->context, &rows, &columns);
    columns = known && columns > 1 ? columns : COLUMNS_UNKNOWN;
    rows = known && rows > 0 ? rows : ROWS_UNKNOWN;
    return (struct display_size){.columns = columns - 1,
                                 .rows = rows > ROWS_LEAST ? rows - 1 : ROWS_LEAST,
                                 .colour = screen->colour};
}

/* Something else was printed after the frame: the next frame is drawn below. */
static void look_for_disturbance(struct screen *screen)
{
    const struct world_signals *signals = screen->world->signals;
    if (screen->disturbed || !signals->is_interrupted(signals->context))
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

/* Overwrites each line and erases its rest, so that nothing flickers. */
static void redraw(struct screen *screen)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct error ignored;
    struct display_size size = size_of(screen);
    if (!screen->has_model || screen->paused)
        return;
    if (!screen->model.ended)
        screen->model.now_ns = clock_boottime_ns(screen->world->clock);
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

static void redraw_on_tick(void *context)
{
    struct screen *screen = context;
    (void)pthread_mutex_lock(&screen->lock);
    redraw(screen);
    (void)pthread_mutex_unlock(&screen->lock);
}

static void set_screen_echo(const struct screen *screen, enum world_echo echo)
{
    screen->world->terminal->echo(screen->world->terminal->context, echo);
}

enum error_code screen_open(const struct world *world, struct screen **ret_screen,
                            struct error *error)
{
    struct screen *screen = calloc(1, sizeof *screen);
    if (screen == NULL)
        return error_set(error, ERROR_MEMORY, 0, "screen", "", "out of memory");
    const char *plain = world->host->environment(world->host->context, "NO_COLOR");
    screen->world = world;
    screen->colour = plain == NULL || plain[0] == '\0';
    (void)pthread_mutex_init(&screen->lock, NULL);
    const struct world_terminal *terminal = world->terminal;
    enum error_code code = terminal->start_ticking(terminal->context, REDRAW_NS, redraw_on_tick,
                                                   screen, &screen->ticker, error);
    if (code != ERROR_OK) {
        (void)pthread_mutex_destroy(&screen->lock);
        free(screen);
        return code;
    }
    set_screen_echo(screen, ECHO_SILENT);
    *ret_screen = screen;
    return ERROR_OK;
}

void screen_close(struct screen *screen)
{
    if (screen == NULL)
        return;
    screen->world->terminal->stop_ticking(screen->ticker);
    redraw(screen);
    set_screen_echo(screen, ECHO_RESTORED);
    (void)pthread_mutex_destroy(&screen->lock);
    free(screen);
}

void screen_show(struct screen *screen, const struct display_model *model)
{
    (void)pthread_mutex_lock(&screen->lock);
    screen->model = *model;
    screen->has_model = true;
    redraw(screen);
    (void)pthread_mutex_unlock(&screen->lock);
}

void screen_pull(struct screen *screen, const char *line)
{
    (void)pthread_mutex_lock(&screen->lock);
    (void)snprintf(screen->model.pull, sizeof screen->model.pull, "%s", line);
    redraw(screen);
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
    redraw(screen);
    (void)pthread_mutex_unlock(&screen->lock);
}

static void set_paused(struct screen *screen, bool paused)
{
    screen_begin(screen);
    screen->paused = paused;
    set_screen_echo(screen, paused ? ECHO_ASKING : ECHO_SILENT);
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
