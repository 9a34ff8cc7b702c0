/* tests/verify/forge_items: what the steps of the forger are made of. Each appends its items to
 * `evidence`. */
#ifndef TESTS_VERIFY_FORGE_ITEMS_H
#define TESTS_VERIFY_FORGE_ITEMS_H

#include "tests/verify/forge.h"

/* Of the world: `count` times the digit, and the end. */
void forge_fill(char *to, char digit, size_t count);
void forge_one_sample(struct forge *forge, json_t *evidence, bool sick);
void forge_containers(struct forge *forge, json_t *evidence);
void forge_up(struct forge *forge, json_t *evidence, const char *services);
void forge_health(struct forge *forge, json_t *evidence, bool sick);
void forge_line(struct forge *forge, json_t *evidence, const char *probe, const char *text);
void forge_images(struct forge *forge, json_t *evidence, const char *image);
void forge_registry(struct forge *forge, json_t *evidence);
void forge_hmacs(struct forge *forge, json_t *evidence);
void forge_policy_files(struct forge *forge, json_t *evidence);
void forge_drift(struct forge *forge, json_t *evidence, const char *subject);
void forge_files(struct forge *forge, json_t *evidence);
void forge_services(struct forge *forge, json_t *evidence);
void forge_tenancy(struct forge *forge, json_t *evidence, bool held);
void forge_release_target(struct forge *forge, json_t *evidence);
void forge_remaining(struct forge *forge, json_t *evidence);
/* How the guard stands; nothing where there is none. */
void forge_guard(struct forge *forge, json_t *evidence, const char *state, bool begun);
void forge_voices(struct forge *forge, json_t *evidence, bool brain);

#endif
