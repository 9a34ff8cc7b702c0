#include "actions/secrets/credential.h"

enum error_code credential_read_file(const struct world_disk *disk, const char *path,
                                     const char *what, struct bytes *ret_credential,
                                     struct error *error)
{
    struct world_file file = {.exists = false};
    enum error_code code = disk->examine(disk->context, path, &file, error);
    if (code != ERROR_OK || !file.regular || (file.mode & 077) != 0)
        return error_set(error, ERROR_KEY_REFUSED, 0, path, "chmod 600",
                         "%s is missing or readable by others", what);
    code = disk->read(disk->context, path, CREDENTIAL_BYTES_MAX, ret_credential, error);
    while (code == ERROR_OK && ret_credential->size > 0
           && (ret_credential->data[ret_credential->size - 1] == '\n'
               || ret_credential->data[ret_credential->size - 1] == '\r'))
        ret_credential->data[--ret_credential->size] = 0;
    return code;
}
