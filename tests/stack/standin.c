/* One program with two names, as docker and docker-compose are two programs; and the supervisor of
 * each container. */
#include "standin.h"

#include <string.h>

int main(int count, char **words)
{
    const char *slash = strrchr(words[0], '/'), *name = slash != NULL ? slash + 1 : words[0];
    state_open();
    if (count == 3 && strcmp(words[1], "supervise") == 0)
        return supervise(words[2]);
    if (strcmp(name, "docker-compose") == 0)
        return compose_run(count, words);
    if (strcmp(name, "docker") == 0)
        return docker_run(count, words);
    die(64, "standin: call it as docker or as docker-compose");
}
