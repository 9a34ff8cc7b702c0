/* tests/stack/template: the part of Go's templates that `docker inspect` is asked with: {{.A.B}}
 * {{json .A}} {{json (index .A "k")}} {{if .A}}..{{else}}..{{end}} {{range .A}}..{{end}}, {{if eq
 * (index (split . "=") 0) "NAME"}}. The stand-in and the scripted world share it. */
#ifndef STACK_TEMPLATE_H
#define STACK_TEMPLATE_H

#include <jansson.h>
#include <stdio.h>

/* With a newline after it. Any other template ends the program. */
void template_print(FILE *stream, const char *format, const json_t *value);

#endif
