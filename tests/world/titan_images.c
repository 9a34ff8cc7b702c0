/* tests/world/titan_images: what Docker's store of images does, in each kind of it, and the words
 * of `docker` that speak of images. */
#include "tests/world/titan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tests/stack/template.h"

static const char OWN_STORE[] = "[[\"driver-type\",\"io.containerd.snapshotter.v1\"]]",
                  CLASSIC[] = "[[\"Backing Filesystem\",\"extfs\"]]";

struct titan_tag *titan_tag(struct titan *titan, const char *name)
{
    for (struct titan_tag *tag = titan->tags; tag != NULL; tag = tag->next)
        if (strcmp(tag->name, name) == 0)
            return tag;
    struct titan_tag *tag = arena_take(&titan->arena, sizeof *tag);
    *tag = (struct titan_tag){.name = arena_copy(&titan->arena, name, strlen(name)),
                              .next = titan->tags};
    titan->tags = tag;
    return tag;
}

static bool is_named(const struct titan *titan, const struct titan_image *image)
{
    for (const struct titan_tag *tag = titan->tags; tag != NULL; tag = tag->next)
        if (tag->here == image)
            return true;
    return false;
}

static bool is_used(const struct titan *titan, const struct titan_image *image)
{
    for (size_t i = 0; i < titan->container_count; i++)
        if (titan->containers[i].there && titan->containers[i].image == image)
            return true;
    return false;
}

/* By id or by tag; only images that were pulled. An image that nothing names any more is gone, as
 * after a prune: what is kept for a rollback is kept by a container, and by a name. */
const struct titan_image *titan_image(struct titan *titan, const char *reference)
{
    for (size_t i = 0; i < titan->image_count; i++) {
        const struct titan_image *image = &titan->images[i];
        if (strcmp(image->id, reference) == 0
            && (is_named(titan, image) || image->loaded || (is_used(titan, image) && !image->lost)))
            return image;
    }
    return strncmp(reference, "sha256:", 7) == 0 ? NULL : titan_tag(titan, reference)->here;
}

static struct titan_image *writable(struct titan *titan, const struct titan_image *image)
{
    return &titan->images[image - titan->images];
}

void titan_name(struct titan *titan, const char *name, const struct titan_image *image, bool built)
{
    struct titan_tag *tag = titan_tag(titan, name);
    const struct titan_image *old = tag->here;
    bool goes = titan->store == STORE_UNTOLD || (titan->store == STORE_BUILDKIT && built);
    tag->here = image;
    writable(titan, image)->lost = false;
    if (old != NULL && old != image && goes && !is_named(titan, old))
        writable(titan, old)->lost = true;
}

static struct titan_image *new_image(struct titan *titan, const char *name)
{
    if (titan->image_count == TITAN_IMAGES_MAX)
        abort();
    struct titan_image *image = &titan->images[titan->image_count++];
    *image = (struct titan_image){.id = arena_text(&titan->arena, "sha256:%s", titan_id(titan)),
                                  .name = arena_copy(&titan->arena, name, strlen(name)),
                                  .digest = ""};
    image->manifest = image->id;
    return image;
}

struct titan_image *titan_build(struct titan *titan, const char *name, const char *policy,
                                unsigned faults)
{
    struct titan_image *image = new_image(titan, name);
    image->digest = arena_text(&titan->arena, "%s@sha256:%s", name,
                               titan->store == STORE_CLASSIC ? titan_id(titan) : image->id + 7);
    if (titan->store == STORE_BUILDKIT || titan->store == STORE_UNTOLD)
        image->manifest = arena_text(&titan->arena, "sha256:%s", titan_id(titan));
    image->faults = faults;
    bytes_sha256_hex(policy, strlen(policy), image->policy);
    titan_tag(titan, arena_text(&titan->arena, "%s:latest", name))->there = image;
    return image;
}

/* The same content again: the same image, but for BuildKit, whose index is another each time. */
const struct titan_image *titan_make(struct titan *titan, const char *name,
                                     const struct titan_image *source)
{
    const struct titan_image *same = NULL;
    for (size_t i = 0; i < titan->image_count && same == NULL; i++)
        if (titan->images[i].source == source && strcmp(titan->images[i].name, name) == 0)
            same = &titan->images[i];
    if (same != NULL && (titan->store == STORE_CLASSIC || titan->store == STORE_LEGACY))
        return same;
    struct titan_image *made = new_image(titan, name);
    made->source = source;
    made->faults = source->faults;
    (void)memcpy(made->policy, source->policy, sizeof made->policy);
    if (same != NULL)
        made->manifest = same->manifest;
    else if (titan->store == STORE_BUILDKIT || titan->store == STORE_UNTOLD)
        made->manifest = arena_text(&titan->arena, "sha256:%s", titan_id(titan));
    return made;
}

void titan_prune(struct titan *titan)
{
    for (size_t i = 0; i < titan->image_count; i++) {
        struct titan_image *image = &titan->images[i];
        if (is_used(titan, image))
            continue;
        image->loaded = false;
        for (struct titan_tag *tag = titan->tags; tag != NULL; tag = tag->next)
            tag->here = tag->here == image ? NULL : tag->here;
    }
}

static int no_such_image(struct sh *shell, const char *reference)
{
    sh_printf(shell, 2, "Error: No such image: %s\n", reference);
    return 1;
}

/* Of an image that was never pushed containerd's store makes one out of each name. */
static json_t *digests_of(const struct titan *titan, struct arena *arena,
                          const struct titan_image *image)
{
    json_t *digests = json_array();
    if (image->digest[0] != '\0')
        (void)json_array_append_new(digests, json_string(image->digest));
    for (const struct titan_tag *tag = titan->tags; tag != NULL; tag = tag->next) {
        const char *slash = strrchr(tag->name, '/'),
                   *colon = strchr(slash ? slash : tag->name, ':');
        size_t length = colon != NULL ? (size_t)(colon - tag->name) : strlen(tag->name);
        if (titan->store == STORE_CLASSIC || tag->here != image || strchr(tag->name, '@') != NULL)
            continue;
        const char *made = arena_text(arena, "%.*s@%s", (int)length, tag->name, image->id);
        if (strcmp(made, image->digest) != 0)
            (void)json_array_append_new(digests, json_string(made));
    }
    return digests;
}

static void print_image(struct sh *shell, const struct titan *titan,
                        const struct titan_image *image, const char *format, bool platform)
{
    bool index = strcmp(image->manifest, image->id) != 0;
    json_t *object = json_pack("{s:s, s:s, s:s, s:o}", "Id", platform ? image->manifest : image->id,
                               "Os", "linux", "Architecture", "amd64", "RepoDigests",
                               digests_of(titan, shell->arena, image));
    if (titan->store != STORE_CLASSIC)
        (void)json_object_set_new(object, "Descriptor",
                                  json_pack("{s:s, s:s}", "mediaType",
                                            index ? "application/vnd.oci.image.index.v1+json"
                                                  : "application/vnd.oci.image.manifest.v1+json",
                                            "digest", image->id));
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL)
        abort();
    template_print(stream, format, object);
    (void)fclose(stream);
    sh_print(shell, 1, text, size);
    free(text);
    json_decref(object);
}

/* image inspect [--platform P] [--format TEMPLATE] NAME */
static int run_inspect_image(struct sh *shell, struct titan *titan, int count, char **words)
{
    const char *format = "{{.Id}}";
    bool platform = false;
    if (count < 2 || strcmp(words[0], "inspect") != 0)
        sh_refuse(shell, "docker image %s", count > 0 ? words[0] : "");
    for (int i = 1; i + 1 < count; i++) {
        platform = platform || strcmp(words[i], "--platform") == 0;
        if (strcmp(words[i], "--format") == 0)
            format = words[i + 1];
    }
    if (platform && titan->store == STORE_UNTOLD) {
        sh_printf(shell, 2, "unknown flag: --platform\n");
        return 125;
    }
    const struct titan_image *image = titan_image(titan, words[count - 1]);
    if (image == NULL) {
        sh_printf(shell, 1, "\n"); /* as docker does */
        return no_such_image(shell, words[count - 1]);
    }
    print_image(shell, titan, image, format, platform);
    return 0;
}

static int run_info(struct sh *shell, struct titan *titan, int count, char **words)
{
    if (count != 2 || strcmp(words[1], "{{json .DriverStatus}}") != 0)
        sh_refuse(shell, "docker info");
    sh_printf(shell, 1, "%s\n", titan->store == STORE_CLASSIC ? CLASSIC : OWN_STORE);
    return 0;
}

/* As Docker does: components of lower-case letters and digits, one separator between them (a dot,
 * one or two underscores, any number of hyphens). A registry's port and the tag may stand behind.
 */
static bool is_reference(const char *name)
{
    bool letter = false;
    for (const char *at = name; *at != '\0'; at++) {
        bool word = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        size_t more = strspn(at, "-");
        if (*at == ':' && letter && strchr(at, '/') == NULL)
            return at[1] != '\0';
        if (!word && !letter)
            return false;
        if (!word && *at == '-')
            at += more - 1;
        else if (!word && strncmp(at, "__", 2) == 0)
            at++;
        else if (!word && strchr("._/:", *at) == NULL)
            return false;
        letter = word;
    }
    return letter;
}

static int run_tag(struct sh *shell, struct titan *titan, int count, char **words)
{
    const struct titan_image *image = count == 2 ? titan_image(titan, words[0]) : NULL;
    if (image == NULL)
        return no_such_image(shell, words[0]);
    if (!is_reference(words[1])) {
        sh_printf(shell, 2, "Error parsing reference: \"%s\" is not a valid repository/tag\n",
                  words[1]);
        return 1;
    }
    titan_name(titan, words[1], image, false);
    return 0;
}

static int run_rmi(struct sh *shell, struct titan *titan, int count, char **words)
{
    if (count != 1 || titan_tag(titan, words[0])->here == NULL)
        return no_such_image(shell, words[0]);
    titan_tag(titan, words[0])->here = NULL;
    sh_printf(shell, 1, "Untagged: %s\n", words[0]);
    return 0;
}

/* pull [-q] NAME@sha256:... */
static int run_pull(struct sh *shell, struct titan *titan, int count, char **words)
{
    const char *name = words[count - 1];
    for (size_t i = 0; i < titan->image_count && !titan->registry_down; i++)
        if (strcmp(titan->images[i].digest, name) == 0
            && (titan->images[i].faults & FAULT_NO_PULL) == 0) {
            titan_name(titan, name, &titan->images[i], false);
            return 0;
        }
    sh_printf(shell, 2, "Error response from daemon: manifest unknown\n");
    return 1;
}

/* save -o FILE ID: its id stands for its bytes. */
static int run_save(struct sh *shell, struct titan *titan, int count, char **words)
{
    const struct titan_image *image = count == 3 ? titan_image(titan, words[2]) : NULL;
    if (image == NULL)
        return no_such_image(shell, words[count - 1]);
    (void)files_put(shell->files, words[1], 0600, image->id, strlen(image->id));
    return 0;
}

static int run_load(struct sh *shell, struct titan *titan, int count, char **words)
{
    const char *data = NULL;
    size_t size = 0;
    if (!sh_read_file(shell, words[count - 1], &data, &size)) {
        sh_printf(shell, 2, "open %s: no such file or directory\n", words[count - 1]);
        return 1;
    }
    for (size_t i = 0; i < titan->image_count; i++)
        if (strlen(titan->images[i].id) == size && memcmp(titan->images[i].id, data, size) == 0)
            titan->images[i].loaded = true;
    return 0;
}

int titan_images(struct sh *shell, struct titan *titan, int count, char **words)
{
    static const struct {
        const char *word;
        int (*run)(struct sh *shell, struct titan *titan, int count, char **words);
    } commands[] = {
        {"image", run_inspect_image}, {"info", run_info}, {"tag", run_tag},  {"rmi", run_rmi},
        {"pull", run_pull},           {"save", run_save}, {"load", run_load}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(words[0], commands[i].word) == 0)
            return commands[i].run(shell, titan, count - 1, words + 1);
    sh_refuse(shell, "docker %s", words[0]);
}
