/* actions/sha1: SHA-1, which RFC 6455 has a WebSocket server prove with that it read the request. Nothing here is secured by it: it has been broken since 2017.
 * Source:    RFC 3174, method 1. libsodium leaves it out with good reason. */
#ifndef ACTIONS_SHA1_H
#define ACTIONS_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20, SHA1_INPUT_MAX = 247 };        /* of the input: four blocks, end mark and length in them */

void sha1(const void *data, size_t size, uint8_t ret_hash[SHA1_BYTES]);

#endif
