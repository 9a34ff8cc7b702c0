/* fsm/terminal/echo: what is typed while a frame is drawn is not shown, so that it cannot break the
 * frame.
 * Knows:     the echo of the terminal on standard output, and nothing else of it: lines, signals
 *            and the shell's other settings stay as they are.
 * Signals:   whatever ends or stops the program by a signal that it does not handle itself (SIGHUP
 *            SIGQUIT SIGTSTP) gives the echo back first, and a stopped one takes it again when it
 *            goes on; SIGKILL cannot. One that handles a signal and then ends by it calls
 *            echo_restore() itself.
 * Threads:   one, the one that signals go to.
 * Job control: in the background the terminal is somebody else's, and is left alone. */
#ifndef FSM_ECHO_H
#define FSM_ECHO_H

/* Takes the signals above, where nobody has yet. Nothing is changed before echo_silence(). */
void echo_open(void);
/* Nothing where it is silent already, or in the background. */
void echo_silence(void);
/* What was typed unseen is dropped: it is no answer to a question that was not asked yet. */
void echo_ask(void);
/* As it was found. For a signal's handler too. */
void echo_restore(void);
#endif
