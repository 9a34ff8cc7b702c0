#include "tests/world/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/bytes.h"

/* What a program reads: the files it names, or standard input. False, said, where one is not there.
 */
static bool read_input(struct sh *shell, int count, char **names, struct grow *ret_text)
{
    const char *data;
    size_t size;
    *ret_text = (struct grow){.arena = shell->arena};
    if (count == 0) {
        sh_read_all(shell, &data, &size);
        grow_bytes(ret_text, data, size);
    }
    for (int i = 0; i < count; i++) {
        if (!sh_read_file(shell, names[i], &data, &size)) {
            sh_printf(shell, 2, "%s: No such file or directory\n", names[i]);
            return false;
        }
        grow_bytes(ret_text, data, size);
    }
    (void)grow_string(ret_text);
    return true;
}

/* The next line of a text, without its newline. */
static bool next_line(const struct grow *text, size_t *at, const char **ret_line,
                      size_t *ret_length)
{
    if (*at >= text->size)
        return false;
    const char *line = text->data + *at, *end = memchr(line, '\n', text->size - *at);
    *ret_line = line;
    *ret_length = end != NULL ? (size_t)(end - line) : text->size - *at;
    *at += *ret_length + 1;
    return true;
}

static int run_cat(struct sh *shell, int count, char **words)
{
    struct grow text;
    if (!read_input(shell, count - 1, words + 1, &text))
        return 1;
    sh_print(shell, 1, text.data, text.size);
    return 0;
}

static int run_sha256sum(struct sh *shell, int count, char **words)
{
    struct grow text;
    char hex[SHA256_HEX + 1];
    if (!read_input(shell, count - 1, words + 1, &text))
        return 1;
    bytes_sha256_hex(text.data, text.size, hex);
    sh_printf(shell, 1, "%s  %s\n", hex, count > 1 ? words[1] : "-");
    return 0;
}

static bool has_word(const char *line, size_t length, const char *word, bool anchored)
{
    size_t size = strlen(word);
    return anchored ? length >= size && memcmp(line, word, size) == 0
                    : size == 0 || memmem(line, length, word, size) != NULL;
}

/* -q, -m1, and fixed words (-F), or one expression that is '^' and a fixed word. */
static int run_grep(struct sh *shell, int count, char **words)
{
    const char *patterns[64] = {""};
    int pattern_count = 0, at = 1;
    bool quiet = false, fixed = false, first_only = false, found = false;
    for (; at < count && words[at][0] == '-' && words[at][1] != '\0'; at++) {
        if (strcmp(words[at], "-e") == 0 && pattern_count < 64)
            patterns[pattern_count++] = words[++at];
        else if (strcmp(words[at], "-m1") == 0)
            first_only = true;
        else if (strspn(words[at] + 1, "qFa") != strlen(words[at] + 1))
            sh_refuse(shell, "grep %s", words[at]);
        quiet = quiet || (words[at][0] == '-' && strchr(words[at], 'q') != NULL);
        fixed = fixed || (words[at][0] == '-' && strchr(words[at], 'F') != NULL);
    }
    if (pattern_count == 0 && at < count)
        patterns[pattern_count++] = words[at++];
    bool anchored = !fixed && pattern_count == 1 && patterns[0][0] == '^';
    if (!fixed && (!anchored || strpbrk(patterns[0] + 1, "^$.*[]\\") != NULL))
        sh_refuse(shell, "grep's expression %s", patterns[0]);
    struct grow text;
    if (!read_input(shell, count - at, words + at, &text))
        return 2;
    const char *line;
    size_t length;
    for (size_t from = 0; next_line(&text, &from, &line, &length);) {
        bool matches = false;
        for (int i = 0; i < pattern_count; i++)
            matches = matches || has_word(line, length, patterns[i] + anchored, anchored);
        if (!matches)
            continue;
        found = true;
        if (!quiet)
            sh_printf(shell, 1, "%.*s\n", (int)length, line);
        if (quiet || first_only)
            break;
    }
    return found ? 0 : 1;
}

/* The field of a line, from 1 on; past the last one it is empty. */
static void find_field(const char *line, size_t length, char delimiter, long field,
                       const char **ret_part, const char **ret_end)
{
    const char *part = line, *end = line + length;
    for (long i = 1; i < field && part < end; i++) {
        const char *stop = memchr(part, delimiter, (size_t)(end - part));
        part = stop != NULL ? stop + 1 : end;
    }
    const char *stop = part < end ? memchr(part, delimiter, (size_t)(end - part)) : NULL;
    *ret_part = part;
    *ret_end = stop != NULL ? stop : end;
}

static void cut_fields(struct sh *shell, const char *line, size_t length, char delimiter,
                       const char *fields)
{
    const char *part, *end;
    for (const char *at = fields; at != NULL;
         at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
        find_field(line, length, delimiter, strtol(at, NULL, 10), &part, &end);
        sh_printf(shell, 1, "%.*s%c", (int)(end - part), part,
                  strchr(at, ',') != NULL ? delimiter : '\n');
    }
}

/* -c1-64 and -d' ' -f5 */
static int run_cut(struct sh *shell, int count, char **words)
{
    int from = 0, to = 0, at = 1;
    const char *fields = NULL;
    char delimiter = '\t';
    for (; at < count && words[at][0] == '-'; at++) {
        if (strncmp(words[at], "-f", 2) == 0)
            fields = words[at] + 2;
        else if (sscanf(words[at], "-c%d-%d", &from, &to) != 2
                 && sscanf(words[at], "-d%c", &delimiter) != 1)
            sh_refuse(shell, "cut %s", words[at]);
    }
    struct grow text;
    if (!read_input(shell, count - at, words + at, &text))
        return 1;
    const char *line;
    size_t length;
    for (size_t next = 0; next_line(&text, &next, &line, &length);) {
        if (fields != NULL) {
            cut_fields(shell, line, length, delimiter, fields);
            continue;
        }
        const char *part = line + (from - 1 < (int)length ? from - 1 : (int)length),
                   *end = line + (to < (int)length ? to : (int)length);
        sh_printf(shell, 1, "%.*s\n", (int)(end - part), part);
    }
    return 0;
}

/* tr -d ' \n' */
static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int run_sort(struct sh *shell, int count, char **words)
{
    enum { LINES_MAX = 512 };
    struct grow text;
    char *lines[LINES_MAX];
    size_t lines_count = 0, length;
    const char *line;
    if (count > 1)
        sh_refuse(shell, "sort %s", words[1]);
    if (!read_input(shell, 0, NULL, &text))
        return 1;
    for (size_t next = 0; next_line(&text, &next, &line, &length);) {
        if (lines_count == LINES_MAX)
            sh_refuse(shell, "sort of more than %d lines", LINES_MAX);
        lines[lines_count++] = arena_copy(shell->arena, line, length);
    }
    qsort(lines, lines_count, sizeof lines[0], by_bytes);
    for (size_t i = 0; i < lines_count; i++)
        sh_printf(shell, 1, "%s\n", lines[i]);
    return 0;
}

/* tr -d ' \n', tr '\n' ' ', and tr -cd 'A-Za-z0-9 ._:/@,=+-' */
static int run_tr(struct sh *shell, int count, char **words)
{
    struct grow text;
    bool drops = count == 3 && strcmp(words[1], "-d") == 0,
         keeps = count == 3 && strcmp(words[1], "-cd") == 0,
         joins = count == 3 && strcmp(words[1], "\\n") == 0 && strcmp(words[2], " ") == 0;
    if (!drops && !keeps && !joins)
        sh_refuse(shell, "tr %s", count > 1 ? words[1] : "");
    if (!read_input(shell, 0, NULL, &text))
        return 1;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z')
                     || (byte >= 'a' && byte <= 'z')
                     || (byte != '\0' && strchr(" ._:/@,=+-", byte) != NULL);
        if (joins)
            sh_print(shell, 1, byte == '\n' ? " " : &byte, 1);
        else if (drops ? byte != ' ' && byte != '\n' : plain)
            sh_print(shell, 1, &byte, 1);
    }
    return 0;
}

/* head -c BYTES FILE */
static int run_head(struct sh *shell, int count, char **words)
{
    struct grow text;
    if (count != 4 || strcmp(words[1], "-c") != 0)
        sh_refuse(shell, "head %s", count > 1 ? words[1] : "");
    if (!read_input(shell, 1, words + 3, &text))
        return 1;
    size_t most = strtoul(words[2], NULL, 10);
    sh_print(shell, 1, text.data, text.size < most ? text.size : most);
    return 0;
}

/* id -u, of root */
static int run_id(struct sh *shell, int count, char **words)
{
    (void)count;
    sh_printf(shell, 1, "%s\n", strcmp(words[1], "-u") == 0 ? "0" : "root");
    return 0;
}

/* od -An -v -tx1 -N32 /dev/urandom: only that. */
static int run_od(struct sh *shell, int count, char **words)
{
    const char *data;
    size_t size;
    if (count != 6 || strcmp(words[4], "-N32") != 0 || !sh_read_file(shell, words[5], &data, &size)
        || size < 32)
        sh_refuse(shell, "od %s", words[count - 1]);
    for (size_t i = 0; i < 32; i++)
        sh_printf(shell, 1, " %02x%s", (unsigned char)data[i], i % 16 == 15 ? "\n" : "");
    return 0;
}

/* The one program that is asked of awk: hex digits to the octal escapes of printf. */
static int run_awk(struct sh *shell, int count, char **words)
{
    static const char unhex[] = "{ for (i = 1; i < length($0); i += 2) printf \"\\\\%03o\", "
                                "(index(d, substr($0, i, 1)) - 1) * 16 + index(d, substr($0, i + "
                                "1, 1)) - 1 }";
    struct grow text;
    uint8_t bytes[SHA256_BYTES];
    if (count != 4 || strcmp(words[3], unhex) != 0)
        sh_refuse(shell, "awk '%s'", words[count - 1]);
    if (!read_input(shell, 0, NULL, &text) || text.size != SHA256_HEX + 1
        || !bytes_from_hex(text.data, SHA256_HEX, bytes, sizeof bytes))
        return 2;
    for (size_t i = 0; i < sizeof bytes; i++)
        sh_printf(shell, 1, "\\%03o", bytes[i]);
    return 0;
}

static int run_mkdir(struct sh *shell, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (words[i][0] == '-')
            continue;
        const char *path = sh_path(shell, words[i]);
        for (const char *slash = strchr(path + 1, '/'); slash != NULL;
             slash = strchr(slash + 1, '/'))
            files_make_directory(shell->files,
                                 arena_copy(shell->arena, path, (size_t)(slash - path)));
        files_make_directory(shell->files, path);
    }
    return 0;
}

static int run_rm(struct sh *shell, int count, char **words)
{
    for (int i = 1; i < count; i++)
        if (words[i][0] != '-')
            files_remove(shell->files, sh_path(shell, words[i]));
    return 0;
}

static int run_mv(struct sh *shell, int count, char **words)
{
    while (count > 3 && words[1][0] == '-') {
        words++;
        count--;
    }
    if (count != 3)
        sh_refuse(shell, "mv with %d words", count - 1);
    if (files_find(shell->files, sh_path(shell, words[1])) == NULL) {
        sh_printf(shell, 2, "mv: cannot stat '%s'\n", words[1]);
        return 1;
    }
    files_rename(shell->files, sh_path(shell, words[1]), sh_path(shell, words[2]));
    return 0;
}

/* stat -L -c %a FILE, and -c '%a %u %g', and %s */
static int run_stat(struct sh *shell, int count, char **words)
{
    const struct file *file = files_find(shell->files, sh_path(shell, words[count - 1]));
    bool owner = count == 5 && strcmp(words[3], "%a %u %g") == 0;
    bool size = count == 5 && (strcmp(words[3], "%s") == 0 || strcmp(words[3], "%i") == 0);
    if (count != 5 || (!owner && !size && strcmp(words[3], "%a") != 0))
        sh_refuse(shell, "stat %s", words[count - 2]);
    if (file == NULL)
        return 1;
    if (size) {
        sh_printf(shell, 1, "%zu\n", file->content.size);
        return 0;
    }
    sh_printf(shell, 1, "%o%s\n", file->mode, owner ? " 1000 1000" : "");
    return 0;
}

static int run_chmod(struct sh *shell, int count, char **words)
{
    struct file *file = files_find(shell->files, sh_path(shell, words[count - 1]));
    if (count != 3 || file == NULL)
        return 1;
    file->mode = (unsigned)strtoul(words[1], NULL, 8);
    return 0;
}

/* Everything belongs to one user. */
static int run_chown(struct sh *shell, int count, char **words)
{
    return count == 3 && files_find(shell->files, sh_path(shell, words[2])) != NULL ? 0 : 1;
}

/* readlink -f FILE: there are no links */
static int run_readlink(struct sh *shell, int count, char **words)
{
    sh_printf(shell, 1, "%s\n", sh_path(shell, words[count - 1]));
    return 0;
}

static int run_dirname(struct sh *shell, int count, char **words)
{
    const char *path = words[count - 1], *slash = strrchr(path, '/');
    if (slash == NULL)
        sh_print(shell, 1, ".\n", 2);
    else
        sh_printf(shell, 1, "%.*s\n", (int)(slash - path), path);
    return 0;
}

static int run_sh(struct sh *shell, int count, char **words)
{
    struct file *file = count > 1 && words[1][0] != '-'
                            ? files_find(shell->files, sh_path(shell, words[1]))
                            : NULL;
    if (file != NULL)
        return sh_child_with(shell,
                             arena_copy(shell->arena, file->content.data, file->content.size),
                             count - 2, words + 2);
    if (count != 3 || strcmp(words[1], "-c") != 0)
        sh_refuse(shell, "sh %s", count > 1 ? words[1] : "");
    return sh_child(shell, words[2]);
}

/* timeout -k 2 SECONDS PROGRAM ...: nothing takes that long by itself. */
static int run_timeout(struct sh *shell, int count, char **words)
{
    if (count < 5 || strcmp(words[1], "-k") != 0)
        sh_refuse(shell, "timeout %s", count > 1 ? words[1] : "");
    return sh_program(shell, count - 4, words + 4);
}

/* flock -n DESCRIPTOR, of the lock that it was opened for. */
static int lock_descriptor(struct sh *shell, const char *word)
{
    const struct channel *channel = word[0] >= '0' && word[0] <= '9' && word[1] == '\0'
                                        ? shell->descriptors[word[0] - '0']
                                        : NULL;
    if (channel == NULL || channel->content == NULL)
        sh_refuse(shell, "flock -n %s", word);
    return channel->content->size > 0 ? 1 : 0;
}

/* flock -o -E STATUS -w SECONDS FILE PROGRAM ...: a file that says "held" has another holder. */
static int run_flock(struct sh *shell, int count, char **words)
{
    int at = 1, status = 1;
    if (count == 3 && strcmp(words[1], "-n") == 0)
        return lock_descriptor(shell, words[2]);
    for (; at + 1 < count && words[at][0] == '-'; at++) {
        bool takes = strcmp(words[at], "-E") == 0 || strcmp(words[at], "-w") == 0;
        if (strcmp(words[at], "-E") == 0)
            status = atoi(words[at + 1]);
        else if (!takes && strcmp(words[at], "-o") != 0)
            sh_refuse(shell, "flock %s", words[at]);
        at += takes;
    }
    const char *path = sh_path(shell, words[at]);
    if (!files_has_parent(shell->files, path)) {
        sh_printf(shell, 2, "flock: cannot open lock file %s\n", path);
        return 66;
    }
    struct file *lock = files_make(shell->files, path, 0666 & ~shell->mask);
    if (lock->content.size > 0)
        return status;
    return sh_program(shell, count - at - 1, words + at + 1);
}

static int run_sync(struct sh *shell, int count, char **words)
{
    for (int i = 1; i < count; i++)
        if (files_find(shell->files, sh_path(shell, words[i])) == NULL)
            return 1;
    return 0;
}

bool tool_run(struct sh *shell, int count, char **words, int *ret_status)
{
    static const struct {
        const char *name;
        int (*run)(struct sh *shell, int count, char **words);
    } tools[] = {{"cat", run_cat},     {"sha256sum", run_sha256sum},
                 {"grep", run_grep},   {"cut", run_cut},
                 {"tr", run_tr},       {"od", run_od},
                 {"awk", run_awk},     {"mkdir", run_mkdir},
                 {"rm", run_rm},       {"mv", run_mv},
                 {"stat", run_stat},   {"dirname", run_dirname},
                 {"sh", run_sh},       {"timeout", run_timeout},
                 {"flock", run_flock}, {"sync", run_sync},
                 {"sort", run_sort},   {"chmod", run_chmod},
                 {"chown", run_chown}, {"readlink", run_readlink},
                 {"head", run_head},   {"id", run_id}};
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++)
        if (strcmp(words[0], tools[i].name) == 0) {
            *ret_status = tools[i].run(shell, count, words);
            return true;
        }
    return false;
}
