#include "verify/read/reader.h"

#include "verify/read/file.h"
#include "verify/read/reader_bundle.h"
#include "verify/read/reader_lmdb.h"

enum error_code reader_read(const char *path, struct record *record, struct error *error)
{
    bool directory = false;
    enum error_code code = file_is_directory(path, &directory, error);
    if (code != ERROR_OK)
        return code;
    code = directory ? reader_lmdb(path, record, error) : reader_bundle(path, record, error);
    if (code == ERROR_OK && record->count == 0)
        return error_set(error, ERROR_DAMAGED, 0, path, "",
                         "it holds no entry, not even a genesis");
    record_fit(record);
    return code;
}
