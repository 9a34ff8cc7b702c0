/* fsm/terminal/screen: a frame on standard output that is redrawn in place, and lines that
 * scroll away above it.
 * Knows:     plain ANSI (cursor up, erase), the size of the terminal at each drawing, NO_COLOR
 *            and TERM; what a frame shows is in display.h.
 * Threads:   the world's ticker redraws twice a second, so that times advance on the screen
 *            while a command runs; it uses only its own copy of the model. Print only between
 *            screen_begin() and screen_end().
 * Typing:    is hidden while a frame is shown, and visible between screen_pause() and
 *            screen_resume() and after screen_close().
 * Ownership: screen_close() leaves the last frame on the terminal and the cursor below it; it
 *            takes NULL. */
#ifndef FSM_SCREEN_H
#define FSM_SCREEN_H

#include "fsm/terminal/display.h"
#include "journal/format/world.h"

struct screen;

/* Standard output is a terminal, and TERM is set and not "dumb". */
bool screen_is_possible(const struct world *world);
/* The world is borrowed. When its signals turn interrupted, their handler may have written to the
 * terminal: the frame goes on below that. */
enum error_code screen_open(const struct world *world, struct screen **ret_screen,
                            struct error *error) CHECKED;
void screen_close(struct screen *screen);

/* Replaces the model and draws it at once. */
void screen_show(struct screen *screen, const struct display_model *model);
/* Shows the last line that a pull printed, until the next model. */
void screen_pull(struct screen *screen, const char *line);
/* Between these the frame is erased and the caller may print. */
void screen_begin(struct screen *screen);
void screen_end(struct screen *screen);
/* Between these there is no frame, because the operator types. screen_begin() and screen_end() may
 * be called in between. */
void screen_pause(struct screen *screen);
void screen_resume(struct screen *screen);
#endif
