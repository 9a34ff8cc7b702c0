#include "actions/secret.h"

#include <sys/stat.h>

#include <sodium.h>

void secret_wipe(struct bytes *secret)
{
    if (secret->data != NULL)
        sodium_memzero(secret->data, secret->size);
    bytes_free(secret);
}

void secret_cut_line_end(struct bytes *secret)
{
    while (secret->size > 0 && (secret->data[secret->size - 1] == '\n' || secret->data[secret->size - 1] == '\r'))
        secret->data[--secret->size] = 0;
}

enum error_code secret_read_file(const char *path, const char *what, struct bytes *ret_secret, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
        return error_set(error, ERROR_KEY_REFUSED, 0, path, "chmod 600", "%s is missing or readable by others", what);
    enum error_code code = bytes_read_file(path, SECRET_BYTES_MAX, ret_secret, error);
    if (code == ERROR_OK)
        secret_cut_line_end(ret_secret);
    return code;
}
