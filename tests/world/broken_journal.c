/* tests/world/broken_journal: the wrapped tables of the journal and of the clock. */
#include "tests/world/broken.h"

static struct world_store was;
static struct clock was_clock;

/* After a failed write of the page that makes a transaction durable, LMDB answers nothing more
 * until it is opened again. */
static const struct broken_fault POISON = {"poisoned", WAY_BEFORE, ERROR_JOURNAL_WRITE, 0};
static const struct broken_fault POISON_READ = {"poisoned", WAY_BEFORE, ERROR_DAMAGED, 0};

static enum error_code stop(enum broken_call call, struct error *error)
{
    const struct broken_fault *fault = broken_meet(call, "journal");
    if (broken.poisoned)
        fault = call == BROKEN_STATE_PUT || call == BROKEN_RESERVE ? &POISON : &POISON_READ;
    return fault != NULL && fault->way == WAY_BEFORE ? broken_error(fault, "journal", error)
                                                     : ERROR_OK;
}

static enum error_code answers(void *context, const char *directory, int64_t wait_ms,
                               struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_STORE_ANSWERS, directory);
    if (fault == NULL || fault->way != WAY_BEFORE)
        return was.answers(context, directory, wait_ms, error);
    timeline_move(&broken.world->timeline, broken.world->timeline.now_ns + wait_ms * 1000000);
    return broken_error(fault, directory, error);
}

static enum error_code open_store(void *context, const char *directory, bool read_only,
                                  void **ret_store, struct error *error)
{
    broken.poisoned = false;
    enum error_code code = stop(BROKEN_STORE_OPEN, error);
    return code == ERROR_OK ? was.open(context, directory, read_only, ret_store, error) : code;
}

static enum error_code size_of(void *store, uint64_t *ret_size, struct error *error)
{
    enum error_code code = stop(BROKEN_STORE_SIZE, error);
    return code == ERROR_OK ? was.size(store, ret_size, error) : code;
}

/* A part of the journal that is read; `fault` may spoil it. */
static const struct broken_fault *read_fault(enum broken_call call)
{
    const struct broken_fault *fault = broken_meet(call, "journal");
    return broken.poisoned ? &POISON_READ : fault;
}

static enum error_code read_entry(void *store, uint64_t seq, struct bytes *ret_value,
                                  struct error *error)
{
    const struct broken_fault *fault = read_fault(BROKEN_STORE_ENTRY);
    if (fault != NULL && fault->way == WAY_BEFORE)
        return broken_error(fault, "entry", error);
    enum error_code code = was.entry(store, seq, ret_value, error);
    if (code == ERROR_OK && fault != NULL)
        (void)broken_spoil(fault, ret_value, 1 << 16);
    return code;
}

static enum error_code read_blob(void *store, const uint8_t hash[SHA256_BYTES],
                                 struct bytes *ret_data, struct error *error)
{
    const struct broken_fault *fault = read_fault(BROKEN_STORE_BLOB);
    if (fault != NULL && fault->way == WAY_BEFORE)
        return broken_error(fault, "blob", error);
    enum error_code code = was.blob(store, hash, ret_data, error);
    if (code == ERROR_OK && fault != NULL)
        (void)broken_spoil(fault, ret_data, 1 << 16);
    return code;
}

static enum error_code get_state(void *store, const char *key, struct bytes *ret_value,
                                 struct error *error)
{
    enum error_code code = stop(BROKEN_STATE_GET, error);
    return code == ERROR_OK ? was.state_get(store, key, ret_value, error) : code;
}

static enum error_code put_state(void *store, const char *key, const void *value, size_t size,
                                 struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_STATE_PUT, key);
    if (broken.poisoned)
        fault = &POISON;
    if (fault != NULL && fault->way == WAY_BEFORE)
        return broken_error(fault, key, error);
    enum error_code code = was.state_put(store, key, value, size, error);
    return code == ERROR_OK && fault != NULL && fault->way == WAY_AFTER
               ? broken_error(fault, key, error)
               : code;
}

static enum error_code append(void *store, store_make_function *make, void *make_context,
                              const struct bytes *blobs, size_t blob_count, uint64_t *ret_seq,
                              struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_APPEND, "journal");
    if (broken.poisoned)
        fault = &POISON;
    if (fault != NULL && fault->way == WAY_BEFORE)
        return broken_error(fault, "append", error);
    broken.poisoned = broken.poisoned || (fault != NULL && fault->way == WAY_POISON_BEFORE);
    if (broken.poisoned)
        return broken_error(fault, "append", error);
    enum error_code code = was.append(store, make, make_context, blobs, blob_count, ret_seq, error);
    if (code != ERROR_OK || fault == NULL)
        return code;
    broken.poisoned = broken.poisoned || fault->way == WAY_POISON;
    return fault->way == WAY_AFTER || fault->way == WAY_POISON
               ? broken_error(fault, "append", error)
               : ERROR_OK;
}

static enum error_code reserve(void *store, size_t bytes, struct error *error)
{
    enum error_code code = stop(BROKEN_RESERVE, error);
    return code == ERROR_OK ? was.reserve(store, bytes, error) : code;
}

static enum error_code file_bytes(void *store, uint64_t *ret_bytes, struct error *error)
{
    enum error_code code = stop(BROKEN_FILE_BYTES, error);
    return code == ERROR_OK ? was.file_bytes(store, ret_bytes, error) : code;
}

static enum error_code sleep_until(void *context, int64_t boottime_ns, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_SLEEP, "");
    return fault != NULL && fault->way == WAY_BEFORE
               ? broken_error(fault, "clock", error)
               : was_clock.sleep_until(context, boottime_ns, error);
}

void broken_wrap_journal(struct scripted *world)
{
    was = world->store;
    was_clock = world->timeline.clock;
    world->store.answers = answers;
    world->store.open = open_store;
    world->store.size = size_of;
    world->store.entry = read_entry;
    world->store.blob = read_blob;
    world->store.state_get = get_state;
    world->store.state_put = put_state;
    world->store.append = append;
    world->store.reserve = reserve;
    world->store.file_bytes = file_bytes;
    world->timeline.clock.sleep_until = sleep_until;
}
