/* tests/stack/standin_tree: directory trees: made, copied (by links where the copy is never written
 * in place), hashed, removed. */
#include "standin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

void tree_make(const char *path)
{
    char *copy = text("%s", path);
    for (char *at = copy + 1;; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            die(125, "standin: %s: %s", copy, strerror(errno));
        *at = kept;
        if (kept == '\0')
            return;
    }
}

void tree_make_parents(const char *path)
{
    char *copy = text("%s", path);
    char *slash = strrchr(copy, '/');
    if (slash != NULL && slash != copy) {
        *slash = '\0';
        tree_make(copy);
    }
}

static void copy_file(const char *from, const char *to, const struct stat *status)
{
    char block[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC),
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, status->st_mode & 0777);
    ssize_t got = in < 0 || out < 0 ? -1 : 1;
    while (got > 0 && (got = read(in, block, sizeof block)) > 0)
        if (write(out, block, (size_t)got) != got)
            got = -1;
    if (got < 0)
        die(125, "standin: copying %s to %s: %s", from, to, strerror(errno));
    (void)close(in);
    (void)close(out);
}

void tree_copy(const char *from, const char *to, bool link_files)
{
    struct stat status;
    if (stat(from, &status) != 0)
        die(1,
            "COPY failed: file not found in build context or excluded by .dockerignore: stat %s: "
            "file does not exist",
            from);
    if (!S_ISDIR(status.st_mode)) {
        tree_make_parents(to);
        (void)unlink(to);
        if (!link_files || link(from, to) != 0)
            copy_file(from, to, &status);
        return;
    }
    tree_make(to);
    DIR *directory = opendir(from);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            tree_copy(text("%s/%s", from, entry->d_name), text("%s/%s", to, entry->d_name),
                      link_files);
    if (directory != NULL)
        (void)closedir(directory);
}

void tree_remove(const char *path)
{
    struct stat status;
    DIR *directory = lstat(path, &status) == 0 && S_ISDIR(status.st_mode) ? opendir(path) : NULL;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            tree_remove(text("%s/%s", path, entry->d_name));
    if (directory != NULL)
        (void)closedir(directory);
    (void)remove(path);
}

static char *file_hash(const char *path)
{
    crypto_hash_sha256_state hash;
    uint8_t block[65536], digest[crypto_hash_sha256_BYTES];
    char digest_hex[2 * crypto_hash_sha256_BYTES + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    (void)crypto_hash_sha256_init(&hash);
    for (ssize_t got; fd >= 0 && (got = read(fd, block, sizeof block)) > 0;)
        (void)crypto_hash_sha256_update(&hash, block, (unsigned long long)got);
    if (fd >= 0)
        (void)close(fd);
    (void)crypto_hash_sha256_final(&hash, digest);
    return text("%s", sodium_bin2hex(digest_hex, sizeof digest_hex, digest, sizeof digest));
}

/* Names in their order, modes and contents; not times and owners, so that the same files are the
 * same image. */
char *tree_hash(const char *path)
{
    struct dirent **entries = NULL;
    struct stat status;
    if (stat(path, &status) != 0)
        die(125, "standin: %s: %s", path, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return text("%o %s", status.st_mode & 0777, file_hash(path));
    int count = scandir(path, &entries, NULL, alphasort);
    char *all = text("%s", "");
    for (int i = 0; i < count; i++)
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0)
            all = text("%s%s %s\n", all, entries[i]->d_name,
                       tree_hash(text("%s/%s", path, entries[i]->d_name)));
    return state_sha256(all);
}
