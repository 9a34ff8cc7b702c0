/* fsm/terminal/world_process: what main() sets for the whole process before anything else. */
#ifndef FSM_WORLD_PROCESS_H
#define FSM_WORLD_PROCESS_H

/* No core dump and no debugger, because keys and passphrases pass through the process; new files
 * are readable by their owner only; a journal file that was cut short (SIGBUS) ends with one
 * sentence. */
void process_protect(void);

#endif
