#include "actions/target/own_command.h"

#include <stdlib.h>
#include <string.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* A zombie that nobody collects holds nothing. */
void own_command_add_question(struct text *script, const struct text *record)
{
    text_add(script, "p=");
    text_add_quoted_text(script, record);
    text_add(script, "; own() { [ -f \"$p\" ] && [ -r \"$p\" ] && read -r g t b < \"$p\" && "
                     "read -r n < " BOOT_ID " && [ \"$b\" = \"$n\" ] && "
                     "[ -e \"/proc/$g/stat\" ] && "
                     "w=$(cut -d' ' -f3,5,22 \"/proc/$g/stat\" 2>/dev/null) && "
                     "case \"$w\" in [ZX]*) false ;; *) [ \"${w#? }\" = \"$g $t\" ] ;; esac; }; ");
}

/* Its `timeout` passes TERM on, and kills what has not ended within 2 s. What is killed behind it
 * is what left that group's leader behind. */
void own_command_add_end(struct text *script)
{
    text_add(script, "end() { printf '\\nended %s\\n' \"$g\" >&2; kill -s TERM -- \"-$g\"; "
                     "for k in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do own || break; sleep 0.2; "
                     "done; kill -s KILL -- \"-$g\" 2>/dev/null; }; ");
}

void own_command_add_record(struct text *script, const struct text *record)
{
    text_add(script, "read -r b < " BOOT_ID "; g=$(cut -d' ' -f5 /proc/$$/stat); "
                     "echo \"$(cut -d' ' -f5,22 \"/proc/$g/stat\") $b\" > ");
    text_add_quoted_text(script, record);
}

long own_command_ended(const char *errors)
{
    const char *said = errors != NULL ? strstr(errors, "\nended ") : NULL;
    return said != NULL ? strtol(said + strlen("\nended "), NULL, 10) : 0;
}
