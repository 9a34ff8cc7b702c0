/* Every script that goes to a target, against a world whose target only records the line and
 * answers nothing. Goal: with blanks, substitutions and an odd number of quotes in every configured
 * name, each line and the script inside it are still what sh accepts, so that no name leaves its
 * quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/wait.h>

#include "actions/compose/compose.h"
#include "actions/compose/compose_hold.h"
#include "actions/git.h"
#include "actions/health.h"
#include "actions/interlock.h"
#include "actions/logs.h"
#include "actions/script.h"
#include "actions/target/target_backend.h"
#include "actions/tenancy.h"
#include "journal/format/names.h"
#include "local_target.h"

#define ODD "it's $(touch expanded) `touch expanded` \"x; y"
#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct recorder {
    unsigned lines;
    const char *answers[4]; /* what the next commands print; NULL = nothing */
    size_t answered;
};

static struct recorder recorder;
static struct world world;
static struct setup setup;
static struct target *target;
static struct evidence evidence;

/* What sh itself says of the line: `sh -n` parses its input, and runs nothing of it. */
static bool sh_accepts(const char *line)
{
    FILE *shell = popen("sh -n", "w");
    assert_non_null(shell);
    assert_true(fputs(line, shell) >= 0);
    return pclose(shell) == 0;
}

/* The script within "timeout -k 2 N sh -c '...'; m $?". The quotes are what is tested, so that a
 * real sh must remove them: it runs printf on one quoted word, and `sh -n` parses the result. */
static bool inner_is_accepted(const char *line)
{
    const char *inner = strstr(line, " sh -c '");
    CLEANUP_TEXT struct text script = {0};
    struct error error;
    assert_non_null(inner);
    const char *end = strstr(inner, "; }; cd "); /* of a command under the lock */
    end = end != NULL ? end : inner + strlen(inner) - strlen("; m $? -");
    text_add(&script, "printf %s ");
    text_add_bytes(&script, inner + 7, (size_t)(end - inner - 7));
    text_add(&script, " | sh -n");
    assert_false(text_failed(&script, &error));
    return system(text_string(&script)) == 0;
}

static enum error_code record_run(void *context, const struct raw_command *command,
                                  struct raw_result *ret_result, struct error *error)
{
    struct recorder *into = context;
    char mark[33];
    const char *answer = into->answered < 4 ? into->answers[into->answered] : NULL;
    into->answered++;
    const char *at = strstr(command->line, "printf '\\n");
    into->lines++;
    assert_non_null(at);
    (void)snprintf(mark, sizeof mark, "%s", at + strlen("printf '\\n"));
    if (!sh_accepts(command->line) || !inner_is_accepted(command->line))
        fail_msg("sh does not accept: %s", command->line);
    struct raw_result result = {.status = 0};
    enum error_code code =
        bytes_append_format(&result.output, error,
                            "\n%s 00000000-0000-0000-0000-000000000000 1.00 - 1\n%s\n%s "
                            "00000000-0000-0000-0000-000000000000 1.50 0 -\n",
                            mark, answer != NULL ? answer : "", mark);
    if (code == ERROR_OK)
        *ret_result = result;
    return code;
}

static void record_close(void *context)
{
    (void)context;
}

static enum error_code record_open(void *context, const struct setup_target *of,
                                   const struct clock *clock,
                                   const struct target_backend **ret_backend, void **ret_handle,
                                   struct error *error)
{
    static const struct target_backend backend = {.run = record_run, .close = record_close};
    (void)of;
    (void)clock;
    (void)error;
    *ret_backend = &backend;
    *ret_handle = context;
    return ERROR_OK;
}

static int open_recorder(void **state)
{
    static const struct world_target recorded = {.context = &recorder, .open = record_open};
    struct error error;
    (void)state;
    world = *local_world();
    world.target = &recorded;
    setup = (struct setup){
        .target = {.name = "t",
                   .local = true,
                   .directory = "/opt/" ODD,
                   .state = "state " ODD,
                   .docker = "docker",
                   .docker_host = "unix://" ODD},
        .compose = {.command = "auto",
                    .file = "compose " ODD,
                    .env_file = ".env " ODD,
                    .project = ODD},
        .repository = {.remote = ODD, .branch = ODD},
        .services = {.execution = "execution", .brain = "brain", .marker = ODD},
        .bus = {.host = "", .password = {"", ""}, .credential = {"", ""}},
        .verify = {.script = ODD},
        .command_ms = 1000,
        .output_bytes_max = 4096,
    };
    return target_open(&setup, &world, &target, &error) == ERROR_OK ? 0 : -1;
}

static int close_recorder(void **state)
{
    (void)state;
    target_close(target);
    return 0;
}

static const struct target_tenancy TENANCY = {.journal = ODD, .deployment = 3, .epoch = 2};

static struct containers one_container(const char *service)
{
    struct containers containers = {.count = 1};
    struct container *one = &containers.list[0];
    (void)snprintf(one->service, sizeof one->service, "%s", service);
    (void)snprintf(one->id, sizeof one->id, "%s", ID);
    (void)snprintf(one->image, sizeof one->image, "sha256:%s", ID);
    (void)snprintf(one->started_at, sizeof one->started_at, "2026-11-23T07:20:23Z'");
    return containers;
}

static void compose_scripts_any_name_stays_one_word(void **state)
{
    (void)state;
    struct error error;
    struct containers found;
    struct images images;
    struct configurations configurations;
    struct compose_model model = {.services = {{.service = ODD, .built = true},
                                               {.service = "b", .image = ODD}},
                                  .count = 2};
    struct compose_up up = {.override = ODD, .services = {ODD, "b"}, .service_count = 2};
    CLEANUP_BYTES struct bytes names = {0};
    char fingerprint[SHA256_HEX + 2];
    int status;
    (void)snprintf(fingerprint, sizeof fingerprint, "%s\n", ID);
    assert_int_equal(compose_containers(target, &evidence, &found, &error), ERROR_OK);
    assert_int_equal(compose_images(target, &model, &evidence, &images, &error), ERROR_PROTOCOL);
    assert_int_equal(compose_pull(target, &TENANCY,
                                  &(struct compose_pull){.model = &model, .deadline_ms = 1000},
                                  &evidence, &status, &error),
                     ERROR_OK);
    assert_int_equal(compose_up(target, &TENANCY, &up, &evidence, &status, &error), ERROR_OK);
    for (enum compose_key key = COMPOSE_KEY_MAKE; key <= COMPOSE_KEY_LEAVE; key++) {
        recorder.answers[0] = recorder.answers[1] = recorder.answers[2] = fingerprint;
        recorder.answers[3] = "600 1000 1000\n";
        recorder.answered = 0;
        assert_int_equal(compose_fingerprints(target, key, &evidence, &error), ERROR_OK);
        memset(recorder.answers, 0, sizeof recorder.answers);
        assert_int_equal(compose_configurations(target, &model, ODD, key, &evidence,
                                                &configurations, &error),
                         ERROR_PROTOCOL);
    }
    assert_int_equal(compose_strays(target, &names, &error), ERROR_OK);
    evidence_clear(&evidence);
}

static void compose_up_subject_is_never_cut(void **state)
{
    (void)state;
    struct error error;
    struct compose_up up = {.service_count = 10};
    int status;
    static const char name[] = "a-service-with-a-name-that-is-as-long-as-compose-lets-it-be-xyz";
    for (size_t i = 0; i < up.service_count; i++)
        up.services[i] = name;
    assert_int_equal(compose_up(target, &TENANCY, &up, &evidence, &status, &error), ERROR_OK);
    assert_int_equal(strlen(evidence.items[0].subject), 10 * (sizeof name - 1) + 9);
    evidence_clear(&evidence);
}

static void compose_pin_scripts_any_path_stays_one_word(void **state)
{
    (void)state;
    struct error error;
    struct containers containers = one_container("execution");
    struct images images = {.count = 1};
    struct compose_model model = {.count = 1};
    int status;
    (void)snprintf(model.services[0].service, sizeof model.services[0].service, "execution");
    (void)snprintf(model.services[0].image, sizeof model.services[0].image, ODD);
    (void)snprintf(images.list[0].service, sizeof images.list[0].service, "execution");
    (void)snprintf(images.list[0].id, sizeof images.list[0].id, "sha256:%s", ID);
    (void)snprintf(images.list[0].digest, sizeof images.list[0].digest, ODD);
    const struct compose_hold hold = {.containers = &containers,
                                      .images = &images,
                                      .model = &model,
                                      .deployment = 3};
    assert_int_equal(compose_hold(target, &TENANCY, &hold, &evidence, &status, &error), ERROR_OK);
    assert_int_equal(compose_give_names_back(target, &TENANCY, &images, &evidence, &status, &error),
                     ERROR_OK);
    assert_int_equal(compose_release(target, &TENANCY, 3, &evidence, &error), ERROR_OK);
    assert_int_equal(compose_pin(target, &TENANCY,
                                 &(struct compose_pin){.before = &containers,
                                                       .addresses = &images,
                                                       .model = &model,
                                                       .now = &images,
                                                       .deployment = 3},
                                 &evidence, &status, &error),
                     ERROR_OK);
    assert_int_equal(compose_remove(target, &TENANCY, &containers, "execution", &evidence, &status,
                                    &error),
                     ERROR_OK);
    evidence_clear(&evidence);
}

/* A label may hold anything; the name of a kept image is made of it. */
static void compose_hold_service_that_compose_cannot_name_is_refused(void **state)
{
    (void)state;
    struct error error;
    static const char *const names[] = {"", "a b", "x;reboot", "$(id)", "a'b"};
    const struct compose_model model = {.count = 0};
    const struct images images = {.count = 0};
    int status;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct containers containers = one_container(names[i]);
        unsigned before = recorder.lines;
        const struct compose_hold hold = {.containers = &containers,
                                          .images = &images,
                                          .model = &model,
                                          .deployment = 3};
        assert_int_equal(compose_hold(target, &TENANCY, &hold, &evidence, &status, &error),
                         ERROR_PROTOCOL);
        assert_int_equal(recorder.lines, before);
    }
}

static void other_scripts_any_name_stays_one_word(void **state)
{
    (void)state;
    struct error error;
    struct git_upstream upstream;
    struct tenancy tenancy;
    struct containers containers = one_container("execution");
    struct setup_patterns patterns = {.items = {ODD "%N", "plain"}, .count = 2};
    const struct setup_patterns *const sets[] = {&patterns};
    CLEANUP_BYTES struct bytes names = {0};
    int status;
    assert_int_equal(git_upstream(target, &upstream, &error), ERROR_OK);
    assert_int_equal(git_loose_files(target, &names, &error), ERROR_OK);
    assert_int_equal(git_update(target, &TENANCY, "", &evidence, &status, &error), ERROR_OK);
    /* what git allows, and what it does not */
    assert_int_equal(git_restore(target, &TENANCY, &ID[24], "it's$(id)`id`\"x;y&|<>(){}!#",
                                 &evidence, &status, &error),
                     ERROR_OK);
    static const char *const branches[] = {"",     "-f",  "--orphan", "a b", "a\nb",
                                           "a..b", "a~1", "a:b",      "/a",  "a\\b"};
    for (size_t i = 0; i < sizeof branches / sizeof branches[0]; i++)
        assert_int_equal(git_restore(target, &TENANCY, &ID[24], branches[i], &evidence, &status,
                                     &error),
                         ERROR_PROTOCOL);
    assert_int_equal(script_run(target, 1000, &evidence, &status, &error), ERROR_OK);
    assert_int_equal(logs_fetch(target, &containers.list[0],
                                &(struct log_query){.probe = PROBE_LOGS_EXECUTION,
                                                    .sets = sets,
                                                    .set_count = 1,
                                                    .tail = 5},
                                &evidence, &error),
                     ERROR_OK);
    assert_int_equal(tenancy_read(target, &evidence, &tenancy, &error), ERROR_OK);
    evidence_clear(&evidence);
}

static void git_look_branch_is_never_cut(void **state)
{
    (void)state;
    struct error error;
    struct git_state git = {.branch = "untouched"};
    static const char commit[] = "2233445566778899aabbccddeeff00112233ffff\n";
    char branch[201] = "";
    memset(branch, 'b', sizeof branch - 1);
    branch[199] = '\n';
    recorder = (struct recorder){.answers = {commit, branch}};
    assert_int_equal(git_look(target, &evidence, &git, &error), ERROR_LIMIT);
    assert_string_equal(git.branch, "untouched");
    evidence_clear(&evidence);
    branch[127] = '\0'; /* an answer that lost its end on the way */
    recorder = (struct recorder){.answers = {commit, branch}};
    assert_int_equal(git_look(target, &evidence, &git, &error), ERROR_PROTOCOL);
    assert_string_equal(git.branch, "untouched");
    evidence_clear(&evidence);
    branch[127] = '\n';
    branch[128] = '\0';
    recorder = (struct recorder){.answers = {commit, branch}};
    assert_int_equal(git_look(target, &evidence, &git, &error), ERROR_OK);
    branch[127] = '\0';
    assert_string_equal(git.branch, branch);
    assert_true(git.clean);
    evidence_clear(&evidence);
    recorder = (struct recorder){.lines = 0};
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(compose_scripts_any_name_stays_one_word),
        cmocka_unit_test(compose_up_subject_is_never_cut),
        cmocka_unit_test(compose_pin_scripts_any_path_stays_one_word),
        cmocka_unit_test(compose_hold_service_that_compose_cannot_name_is_refused),
        cmocka_unit_test(git_look_branch_is_never_cut),
        cmocka_unit_test(other_scripts_any_name_stays_one_word),
    };
    return cmocka_run_group_tests(tests, open_recorder, close_recorder);
}
