/* usage: read_compose SOURCE RENDERED: reads both as the driver does, for a test in which memory
 * runs out (test_memory.py). Exit status 1 and the sentence where it did. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "actions/compose/compose_secrets.h"
#include "actions/compose/view/compose_view.h"
#include "actions/compose/view/compose_view_read.h"
#include "actions/target/world_system.h"

enum { TEXT_MAX = 1 << 16 };
struct texts {
    char source[TEXT_MAX], rendered[TEXT_MAX];
    size_t source_size, rendered_size;
};

static bool read_file(const char *path, char *text, size_t *ret_size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    *ret_size = fread(text, 1, TEXT_MAX, file);
    return fclose(file) == 0;
}

static enum error_code read_all(const struct texts *texts, struct secrets *secrets,
                                struct error *error)
{
    CLEANUP_BYTES struct bytes paths = {0};
    struct compose_view *view = NULL;
    enum error_code code = compose_secrets_env_files(texts->source, texts->source_size, &paths,
                                                     error);
    if (code == ERROR_OK)
        code = compose_view_read(texts->rendered, texts->rendered_size, texts->source,
                                 texts->source_size, &view, error);
    if (code == ERROR_OK)
        code = compose_secrets_learn(secrets, texts->rendered, texts->rendered_size, error);
    if (code == ERROR_OK)
        (void)printf("%zu services, %zu bytes of paths\n", view->count, paths.size);
    compose_view_close(view);
    return code;
}

int main(int argc, char **argv)
{
    static struct texts texts;
    static const struct setup setup = {
        .secrets = {.patterns = {{"PASSWORD"}, 1}, .value_bytes = 12}};
    static const struct secrets_env env = {.is_known = true, .mode = "600"};
    struct secrets *secrets = NULL;
    struct error error;
    if (argc != 3 || !read_file(argv[1], texts.source, &texts.source_size)
        || !read_file(argv[2], texts.rendered, &texts.rendered_size) || sodium_init() < 0)
        return 2;
    enum error_code code = secrets_open(&setup, world_disk_system(), &env, &secrets, &error);
    if (code == ERROR_OK)
        code = read_all(&texts, secrets, &error);
    secrets_close(secrets);
    if (code == ERROR_OK)
        return 0;
    error_print(stderr, "read_compose", &error);
    return error_memory_ran_out() ? 1 : 3;
}
