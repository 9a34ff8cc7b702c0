/* tests/stack/standin_image: images by identity, the names that move over them, and the registry
 * that is a directory.
 * Identity:  of an image is a hash over its configuration and its files; its digest in the registry
 *            is another hash, as with Docker. */
#include "standin.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *image_full_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    return strchr(slash != NULL ? slash : name, ':') != NULL ? text("%s", name)
                                                             : text("%s:latest", name);
}

static json_t *names_read(void)
{
    json_t *names = state_read(state_path("names.json"));
    return names != NULL ? names : json_object();
}

static bool is_stored(const char *id)
{
    return access(state_path("images/%s/image.json", id + 7), F_OK) == 0;
}

char *image_find(const char *reference)
{
    json_t *names = names_read();
    const char *by_name = json_string_value(
        json_object_get(json_object_get(names, "tags"), image_full_name(reference)));
    const char *by_digest = json_string_value(
        json_object_get(json_object_get(names, "digests"), reference));
    const char *found = by_name != NULL ? by_name : by_digest;
    if (found == NULL && strncmp(reference, "sha256:", 7) == 0
        && strlen(reference) == 7 + STANDIN_ID_HEX)
        found = reference;
    else if (found == NULL && strlen(reference) == STANDIN_ID_HEX
             && strspn(reference, "0123456789abcdef") == STANDIN_ID_HEX)
        found = text("sha256:%s", reference);
    return found != NULL && is_stored(found) ? text("%s", found) : NULL;
}

static json_t *names_of(const char *kind, const char *id)
{
    json_t *list = json_array(), *all = json_object_get(names_read(), kind);
    const char *name;
    json_t *value;
    json_object_foreach (all, name, value)
        if (strcmp(json_string_value(value), id) == 0)
            (void)json_array_append_new(list, json_string(name));
    return list;
}

json_t *image_inspect(const char *id)
{
    json_t *image = state_read(state_path("images/%s/image.json", id + 7));
    if (image == NULL)
        return NULL;
    (void)json_object_set_new(image, "RepoTags", names_of("tags", id));
    (void)json_object_set_new(image, "RepoDigests", names_of("digests", id));
    return image;
}

/* Takes the files of `root` (a temporary directory below the state directory) over. */
char *image_store(const json_t *config, const char *root)
{
    char *hash = state_sha256(text("%s %s", json_dumps(config, JSON_SORT_KEYS), tree_hash(root)));
    char *id = text("sha256:%s", hash), *directory = state_path("images/%s", hash);
    if (is_stored(id)) {
        tree_remove(root);
        return id;
    }
    json_t *image = json_pack("{s:s, s:s, s:O}", "Id", id, "Created", state_time_now(), "Config",
                              config);
    tree_make(directory);
    if (rename(root, text("%s/root", directory)) != 0)
        die(125, "standin: %s cannot be made", directory);
    state_write(text("%s/image.json", directory), image);
    return id;
}

static void name(const char *kind, const char *name_text, const char *id)
{
    json_t *names = names_read();
    (void)json_object_set_new(state_object(names, kind), name_text, json_string(id));
    state_write(state_path("names.json"), names);
}

void image_tag(const char *id, const char *new_name)
{
    name("tags", image_full_name(new_name), id);
}

/* "HOST/repository:tag" or "HOST/repository@sha256:..." in its parts; false where no registry could
 * have it. */
static bool split(const char *full, char **ret_repository, char **ret_reference)
{
    const char *slash = strchr(full, '/');
    if (slash == NULL || strchr(text("%.*s", (int)(slash - full), full), ':') == NULL)
        return false;
    const char *at = strchr(slash, '@'), *colon = strrchr(slash, ':');
    const char *cut = at != NULL ? at : colon;
    *ret_repository = text("%.*s", (int)(cut - slash - 1), slash + 1);
    *ret_reference = text("%s", cut + 1);
    return true;
}

bool image_pull(const char *pulled, char **ret_error)
{
    char *full = strchr(pulled, '@') != NULL ? text("%s", pulled) : image_full_name(pulled),
         *repository, *reference;
    if (!split(full, &repository, &reference)) {
        *ret_error = text(
            "pull access denied for %s, repository does not exist or may require 'docker login': "
            "denied: requested access to the resource is denied",
            pulled);
        return false;
    }
    const json_t *record = state_read(state_path("registry/%s.json", repository));
    const char *digest = strchr(pulled, '@') != NULL
                             ? reference
                             : state_string(json_object_get(record, "tags"), reference);
    const char *id = state_string(json_object_get(record, "manifests"), digest);
    if (id[0] == '\0') {
        *ret_error = text("manifest for %s not found: manifest unknown: manifest unknown", full);
        return false;
    }
    bool new_image = !is_stored(id);
    if (new_image) {
        char *fresh = state_path("images/.new.%d", (int)getpid());
        tree_copy(state_path("registry/images/%s", id + 7), fresh, true);
        if (rename(fresh, state_path("images/%s", id + 7)) != 0)
            die(125, "standin: an image cannot be stored");
    }
    bool by_digest = strchr(pulled, '@') != NULL;
    if (!by_digest)
        image_tag(id, full);
    name("digests", text("%.*s@%s", (int)(strlen(full) - strlen(reference) - 1), full, digest), id);
    (void)printf("%s: Pulling from %s\nDigest: %s\nStatus: %s for %s\n%s\n", reference, repository,
                 digest, new_image ? "Downloaded newer image" : "Image is up to date", full, full);
    return true;
}

void image_push(const char *pushed)
{
    char *full = image_full_name(pushed), *repository, *reference, *id = image_find(full);
    if (id == NULL)
        die(1, "An image does not exist locally with the tag: %s", pushed);
    if (!split(full, &repository, &reference))
        die(1, "denied: requested access to the resource is denied");
    char *path = state_path("registry/%s.json", repository),
         *digest = text("sha256:%s", state_sha256(text("manifest of %s", id)));
    json_t *record = state_read(path);
    if (record == NULL)
        record = json_object();
    tree_make(state_path("registry/images"));
    if (access(state_path("registry/images/%s", id + 7), F_OK) != 0)
        tree_copy(state_path("images/%s", id + 7), state_path("registry/images/%s", id + 7), true);
    (void)json_object_set_new(state_object(record, "tags"), reference, json_string(digest));
    (void)json_object_set_new(state_object(record, "manifests"), digest, json_string(id));
    state_write(path, record);
    name("digests", text("%.*s@%s", (int)(strlen(full) - strlen(reference) - 1), full, digest), id);
    (void)printf("%s: digest: %s size: 528\n", reference, digest);
}

/* Takes a name away; the image goes with its last name, or when it is removed by its identity. */
void image_untag(const char *reference)
{
    char *id = image_find(reference);
    if (id == NULL)
        die(1, "Error: No such image: %s", reference);
    json_t *names = names_read();
    bool by_id = strncmp(reference, "sha256:", 7) == 0;
    char *full = image_full_name(reference);
    (void)json_object_del(json_object_get(names, "tags"), full);
    const char *slash = strrchr(full, '/'), *colon = strchr(slash != NULL ? slash : full, ':');
    size_t repository = (size_t)(colon - full),
           left = json_array_size(names_of("tags", id)) - (by_id ? 0 : 1);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(json_object_get(names, "digests"), next, key,
                             value) if (strcmp(json_string_value(value), id) == 0
                                        && (by_id || left == 0
                                            || strncmp(key, full, repository) == 0))(void)
        json_object_del(json_object_get(names, "digests"), key);
    json_object_foreach_safe(json_object_get(names, "tags"), next, key,
                             value) if (by_id && strcmp(json_string_value(value), id) == 0)(void)
        json_object_del(json_object_get(names, "tags"), key);
    json_t *containers = container_list();
    bool used = false;
    for (size_t i = 0; i < json_array_size(containers); i++)
        used = used
               || strcmp(state_string(container_inspect(
                                          json_string_value(json_array_get(containers, i))),
                                      "Image"),
                         id)
                      == 0;
    if (used && by_id)
        die(1,
            "Error response from daemon: conflict: unable to delete %.12s (cannot be forced) - "
            "image is being used by a container",
            id + 7);
    state_write(state_path("names.json"), names);
    if (!used && (by_id || left == 0))
        tree_remove(state_path("images/%s", id + 7));
    (void)printf("Untagged: %s\n", full);
}

void image_save(const char *file, const char *reference)
{
    char *id = image_find(reference);
    if (id == NULL)
        die(1, "Error response from daemon: reference does not exist: %s", reference);
    char *const words[] = {"tar",  "-C", state_path("images"), "-cf", text("%s", file),
                           id + 7, NULL};
    if (state_run(words) != 0)
        die(1, "failed to save image");
}

/* As with Docker, what was loaded by its identity alone has no name and no digest. */
void image_load(const char *file)
{
    char *fresh = state_path("load.%d", (int)getpid());
    tree_make(fresh);
    char *const words[] = {"tar", "-C", fresh, "-xf", text("%s", file), NULL};
    if (access(file, R_OK) != 0)
        die(1, "open %s: no such file or directory", file);
    if (state_run(words) != 0)
        die(1, "Error processing tar file: unexpected EOF");
    static char script[] = "for d in \"$1\"/*; do [ -e \"$2/${d##*/}\" ] || mv \"$d\" \"$2/\"; "
                           "echo \"Loaded image ID: sha256:${d##*/}\"; done";
    char *const move[] = {"sh", "-c", script, "sh", fresh, state_path("images"), NULL};
    int status = state_run(move);
    tree_remove(fresh);
    if (status != 0)
        die(1, "the image cannot be stored");
}
