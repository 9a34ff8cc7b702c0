/* fsm/config/config_sections: the text of a configuration, cut down to some of its sections, so
 * that what is damaged in another one harms nobody who does not need it. Private to fsm/config. */
#ifndef FSM_CONFIG_SECTIONS_H
#define FSM_CONFIG_SECTIONS_H

#include "journal/format/bytes.h"

/* Whatever does not stand below one of these keys of the top level becomes blanks; lines keep their
 * numbers. `names` ends with NULL. */
void sections_keep(struct bytes *text, const char *const *names);

#endif
