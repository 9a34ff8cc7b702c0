#include "actions/secrets/credential.h"

#include <sys/stat.h>

enum error_code credential_read_file(const char *path, const char *what,
                                     struct bytes *ret_credential, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
        return error_set(error, ERROR_KEY_REFUSED, 0, path, "chmod 600",
                         "%s is missing or readable by others", what);
    enum error_code code = bytes_read_file(path, CREDENTIAL_BYTES_MAX, ret_credential, error);
    while (code == ERROR_OK && ret_credential->size > 0
           && (ret_credential->data[ret_credential->size - 1] == '\n'
               || ret_credential->data[ret_credential->size - 1] == '\r'))
        ret_credential->data[--ret_credential->size] = 0;
    return code;
}
