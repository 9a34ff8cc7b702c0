/* fsm/terminal/world_echo: hides what is typed while a frame is drawn, so that it cannot break
 * the frame. Part of the real terminal (world_terminal.h).
 * Knows:     the echo of the terminal on standard output, and nothing else of it: lines, signals
 *            and the shell's other settings stay as they are.
 * Signals:   SIGHUP, SIGQUIT and SIGTSTP restore the echo first; a stopped program silences it
 *            again when it continues. SIGKILL cannot be handled. A handler of another signal
 *            that ends the process calls echo_restore() itself.
 * Threads:   called from one thread only, the one that receives signals.
 * Job control: in the background the terminal belongs to another program and is left alone. */
#ifndef FSM_ECHO_H
#define FSM_ECHO_H

/* Handles the signals above, unless they are handled or ignored already. */
void echo_open(void);
/* Does nothing when it is silent already, or in the background. */
void echo_silence(void);
/* Restores, and drops what was typed in silence: it cannot answer a question asked later. */
void echo_ask(void);
/* As it was found. Safe in a signal handler. */
void echo_restore(void);
#endif
