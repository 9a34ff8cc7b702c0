/* fsm/terminal/screen: the terminal on standard output: a frame that is redrawn in place, and lines
 * that scroll away above it.
 * Knows:     plain ANSI (cursor up, erase), the size of the terminal at each drawing, NO_COLOR and
 *            TERM; what a frame shows is display.h.
 * Threads:   one of its own redraws twice a second, so that time passes on the screen while a
 *            command runs; it touches nothing but its own copy of the model. Signals go to the
 *            other threads. Whoever prints does so between screen_begin() and screen_end().
 * Typing:    is not shown while a frame stands (echo.h), and shown again between screen_pause() and
 *            screen_resume() and behind screen_close().
 * Ownership: screen_close() leaves the last frame standing and the cursor below it; it takes NULL.
 */
#ifndef FSM_SCREEN_H
#define FSM_SCREEN_H

#include "fsm/terminal/display.h"
#include "journal/format/world.h"

struct screen;

/* Standard output is a terminal that can do this: TERM is set and not "dumb". */
bool screen_is_possible(const struct world *world);
/* The world is borrowed. When its signals turn interrupted, their handler may have written to the
 * terminal: the frame goes on below that. */
enum error_code screen_open(const struct world *world, struct screen **ret_screen,
                            struct error *error) CHECKED;
void screen_close(struct screen *screen);

/* A new model, drawn at once. */
void screen_show(struct screen *screen, const struct display_model *model);
/* The last line that a pull printed, until the next model. */
void screen_pull(struct screen *screen, const char *line);
/* Between these the frame is away and standard output is the caller's. */
void screen_begin(struct screen *screen);
void screen_end(struct screen *screen);
/* No frame until it goes on: the operator types. Inside, screen_begin() and screen_end() may stand.
 */
void screen_pause(struct screen *screen);
void screen_resume(struct screen *screen);
#endif
