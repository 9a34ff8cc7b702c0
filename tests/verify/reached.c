/* Which places of what judges each case reaches: part of the verifier that mutants.py builds for
 * that question, compiled with -fsanitize-coverage=trace-pc, so that each block of it calls here.
 * Written to the file that TITAN_REACHED names: for each case the length of its name, the name, the
 * count of addresses and the addresses, relative to reached_origin(). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 4 << 20 };

void reached_origin(void);
void reached_case(const char *name);
void __sanitizer_cov_trace_pc(void);

static unsigned char seen[2 * TEXT_BYTES];
static int32_t places[2 * TEXT_BYTES];
static uint32_t count;
static char current[256] = "before";

void reached_origin(void)
{
}

void __sanitizer_cov_trace_pc(void)
{
    intptr_t at = (intptr_t)__builtin_return_address(0) - (intptr_t)&reached_origin;
    if (at < -TEXT_BYTES || at >= TEXT_BYTES || seen[at + TEXT_BYTES] != 0)
        return;
    seen[at + TEXT_BYTES] = 1;
    places[count++] = (int32_t)at;
}

/* What was reached since belongs to the case before. */
void reached_case(const char *name)
{
    const char *path = getenv("TITAN_REACHED");
    uint32_t length = (uint32_t)strlen(current);
    FILE *stream = path == NULL ? NULL : fopen(path, "a");
    if (stream != NULL) {
        (void)fwrite(&length, sizeof length, 1, stream);
        (void)fwrite(current, 1, length, stream);
        (void)fwrite(&count, sizeof count, 1, stream);
        (void)fwrite(places, sizeof *places, count, stream);
        (void)fclose(stream);
    }
    for (uint32_t i = 0; i < count; i++)
        seen[places[i] + TEXT_BYTES] = 0;
    count = 0;
    (void)snprintf(current, sizeof current, "%s", name);
}

__attribute__((destructor)) static void reached_end(void)
{
    reached_case("");
}
