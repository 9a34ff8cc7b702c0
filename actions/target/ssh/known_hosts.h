/* actions/target/ssh/known_hosts: what the known_hosts file says about one host and the key it
 * showed. Knows:     the form of the file as OpenSSH reads it: blanks in front, markers, lists of
 * patterns with `!`, `[host]:port`, hashed names; not where the file lies nor what is decided. Why
 * own:   libssh skips lines with a marker, so a revoked key would count as a known one, and it
 *            takes a name for a match that a `!` before it takes out again. */
#ifndef ACTIONS_KNOWN_HOSTS_H
#define ACTIONS_KNOWN_HOSTS_H

#include <stdbool.h>

#include "journal/format/bytes.h"

/* Lines that are about the host. */
struct known_hosts {
    bool same;      /* a plain line with this very key */
    bool revoked;   /* `@revoked` with this very key */
    bool authority; /* `@cert-authority`: it vouches for certificates, never for a plain key */
};

/* Adds to *found what `text` says. `host`: the name alone for port 22, else "[name]:port". `key`:
 * the public key as it goes over the wire. A line that cannot be read says nothing, but a revoked
 * key counts whatever type its line names. */
void known_hosts_search(const struct bytes *text, const char *host, const struct bytes *key,
                        struct known_hosts *found);

#endif
