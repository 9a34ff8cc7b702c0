#include "actions/sha1.h"

#include <assert.h>
#include <string.h>

enum { BLOCK = 64, ROUNDS = 80 };

static uint32_t rotate(uint32_t word, unsigned by)
{
    return (word << by) | (word >> (32 - by));
}

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0: return ((b & c) | (~b & d)) + 0x5a827999;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1;
    case 2: return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default: return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static void take_block(uint32_t hash[5], const uint8_t block[BLOCK])
{
    uint32_t w[ROUNDS];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < ROUNDS; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
}

void sha1(const void *data, size_t size, uint8_t ret_hash[SHA1_BYTES])
{
    assert(size <= SHA1_INPUT_MAX);
    uint8_t padded[SHA1_INPUT_MAX + 9] = {0};
    uint32_t hash[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    size_t end = (size + 9 + BLOCK - 1) / BLOCK * BLOCK;
    if (size > 0)
        memcpy(padded, data, size);
    padded[size] = 0x80;
    padded[end - 2] = (uint8_t)(size * 8 >> 8);
    padded[end - 1] = (uint8_t)(size * 8);
    for (size_t at = 0; at < end; at += BLOCK)
        take_block(hash, padded + at);
    for (size_t i = 0; i < SHA1_BYTES; i++)
        ret_hash[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
}
