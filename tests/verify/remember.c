/* In front of libsodium, for tests that make and judge the same entries a thousand times: computes
 * each signature once. Results are a function of their arguments only, so that no test can tell the
 * difference. Wrapped: the functions that multiply points, which take two thirds of the time.
 *
 * A test that is linked with it remembers in memory of its own. mutants.py names a file in
 * TITAN_REMEMBERED: only the run that has TITAN_REMEMBERS set writes it; the others map it
 * read-only, so that no mutant can spoil it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

enum { SLOTS = 1 << 18, NAME_BYTES = 16, RESULT_BYTES = 96 };

struct slot {
    unsigned char name[NAME_BYTES], result[RESULT_BYTES];
    int code;
    bool taken;
};

static struct slot *slots;
static bool writes;

__attribute__((constructor)) static void remember_open(void)
{
    const char *path = getenv("TITAN_REMEMBERED");
    int file = -1, kind = MAP_PRIVATE | MAP_ANONYMOUS;
    writes = path == NULL || getenv("TITAN_REMEMBERS") != NULL;
    if (path != NULL) {
        kind = MAP_SHARED;
        file = open(path, writes ? O_RDWR | O_CREAT : O_RDONLY, 0600);
        if (file < 0 || (writes && ftruncate(file, (off_t)(SLOTS * sizeof *slots)) != 0))
            return;
    }
    void *at = mmap(NULL, SLOTS * sizeof *slots, writes ? PROT_READ | PROT_WRITE : PROT_READ, kind,
                    file, 0);
    slots = at != MAP_FAILED ? at : NULL;
    if (file >= 0)
        (void)close(file);
}

/* The slot of this name, or the free one where it belongs; NULL where nothing is remembered. */
static struct slot *find_slot(const unsigned char name[NAME_BYTES])
{
    size_t at;
    memcpy(&at, name, sizeof at);
    for (unsigned tries = 0; slots != NULL && tries < 64; tries++) {
        struct slot *slot = &slots[(at + tries) % SLOTS];
        if (!slot->taken || memcmp(slot->name, name, NAME_BYTES) == 0)
            return slot;
    }
    return NULL;
}

struct part {
    const unsigned char *at;
    unsigned long long size;
};

static struct slot *slot_of(char function, const struct part *parts, unsigned count,
                            unsigned char ret_name[NAME_BYTES])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, NAME_BYTES);
    (void)crypto_generichash_update(&state, (const unsigned char *)&function, 1);
    for (unsigned i = 0; i < count; i++)
        (void)crypto_generichash_update(&state, parts[i].at, parts[i].size);
    (void)crypto_generichash_final(&state, ret_name, NAME_BYTES);
    return find_slot(ret_name);
}

static int keep(struct slot *slot, const unsigned char name[NAME_BYTES], int code,
                const unsigned char *first, size_t first_size, const unsigned char *second,
                size_t second_size)
{
    if (!writes || slot == NULL)
        return code;
    memcpy(slot->name, name, NAME_BYTES);
    memcpy(slot->result, first, first_size);
    memcpy(slot->result + first_size, second, second_size);
    slot->code = code;
    slot->taken = true;
    return code;
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m,
                                unsigned long long mlen, const unsigned char *pk)
{
    unsigned char name[NAME_BYTES];
    const struct part parts[] = {{sig, crypto_sign_BYTES},
                                 {pk, crypto_sign_PUBLICKEYBYTES},
                                 {m, mlen}};
    struct slot *slot = slot_of('v', parts, 3, name);
    if (slot != NULL && slot->taken)
        return slot->code;
    __typeof__(&crypto_sign_verify_detached) function;
    *(void **)&function = real("crypto_sign_verify_detached");
    return keep(slot, name, function(sig, m, mlen, pk), name, 0, name, 0);
}

int crypto_core_ed25519_is_valid_point(const unsigned char *p)
{
    unsigned char name[NAME_BYTES];
    const struct part parts[] = {{p, crypto_core_ed25519_BYTES}};
    struct slot *slot = slot_of('p', parts, 1, name);
    if (slot != NULL && slot->taken)
        return slot->code;
    __typeof__(&crypto_core_ed25519_is_valid_point) function;
    *(void **)&function = real("crypto_core_ed25519_is_valid_point");
    return keep(slot, name, function(p), name, 0, name, 0);
}

int crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed)
{
    unsigned char name[NAME_BYTES];
    const struct part parts[] = {{seed, crypto_sign_SEEDBYTES}};
    struct slot *slot = slot_of('k', parts, 1, name);
    if (slot != NULL && slot->taken) {
        memcpy(pk, slot->result, crypto_sign_PUBLICKEYBYTES);
        memcpy(sk, slot->result + crypto_sign_PUBLICKEYBYTES, crypto_sign_SECRETKEYBYTES);
        return slot->code;
    }
    __typeof__(&crypto_sign_seed_keypair) function;
    *(void **)&function = real("crypto_sign_seed_keypair");
    int code = function(pk, sk, seed);
    return keep(slot, name, code, pk, crypto_sign_PUBLICKEYBYTES, sk, crypto_sign_SECRETKEYBYTES);
}

int crypto_sign_detached(unsigned char *sig, unsigned long long *siglen_p, const unsigned char *m,
                         unsigned long long mlen, const unsigned char *sk)
{
    unsigned char name[NAME_BYTES];
    const struct part parts[] = {{sk, crypto_sign_SECRETKEYBYTES}, {m, mlen}};
    struct slot *slot = slot_of('s', parts, 2, name);
    if (siglen_p != NULL)
        *siglen_p = crypto_sign_BYTES;
    if (slot != NULL && slot->taken) {
        memcpy(sig, slot->result, crypto_sign_BYTES);
        return slot->code;
    }
    __typeof__(&crypto_sign_detached) function;
    *(void **)&function = real("crypto_sign_detached");
    return keep(slot, name, function(sig, NULL, m, mlen, sk), sig, crypto_sign_BYTES, sig, 0);
}
