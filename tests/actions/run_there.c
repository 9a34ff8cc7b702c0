/* Runs the script on standard input on a target over ssh, as the driver does, and prints what came
 * back. Exit status: the script's; 100 = no answer, and the error as one line.
 * With FORWARD it prints instead what a server says first that listens on that port of the target;
 * with URL what it answers, with its status in front.
 * usage: run_there HOST PORT USER IDENTITY KNOWN_HOSTS SSH_CONFIG DIRECTORY
 *                  [FORWARD | URL SOCKET CA_FILE] */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/target/http.h"
#include "actions/target/target.h"
#include "actions/target/world_remote.h"
#include "actions/target/world_system.h"

static int print_error(const struct error *error)
{
    (void)printf("%s | %s | %s\n", error->where, error->what, error->next);
    return 100;
}

static int print_greeting(struct target *target, int port)
{
    struct error error;
    struct target_forward *forward = NULL;
    char said[100];
    if (target_forward_open(target, "127.0.0.1", port, &forward, &error) != ERROR_OK)
        return print_error(&error);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)target_forward_port(forward))};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ssize_t got = connect(client, (const struct sockaddr *)&address, sizeof address) == 0
                      ? read(client, said, sizeof said)
                      : -1;
    (void)printf("%.*s", got > 0 ? (int)got : 0, said);
    (void)close(client);
    target_forward_close(forward);
    return got > 0 ? 0 : 1;
}

static int print_answer(struct target *target, char **words)
{
    struct error error;
    CLEANUP_BYTES struct bytes body = {0};
    int status = 0;
    const struct http_request request = {.world = target_world(target),
                                         .through = target,
                                         .url = words[0],
                                         .socket = words[1],
                                         .ca_file = words[2],
                                         .timeout_ms = 10000};
    if (http_get(&request, &status, &body, &error) != ERROR_OK)
        return print_error(&error);
    (void)printf("%d %s", status, (const char *)body.data);
    return 0;
}

int main(int count, char **words)
{
    static struct world world;
    static char script[1 << 16];
    struct error error;
    struct target *target = NULL;
    CLEANUP_RESULT struct target_result result = {0};
    if (count != 8 && count != 9 && count != 11)
        return 2;
    script[fread(script, 1, sizeof script - 1, stdin)] = '\0';
    world_system(&world);
    world_remote(&world);
    struct setup setup = {.target = {.name = "there",
                                     .host = words[1],
                                     .port = (int)strtol(words[2], NULL, 10),
                                     .user = words[3],
                                     .identity = words[4],
                                     .known_hosts = words[5],
                                     .ssh_config = words[6],
                                     .directory = words[7],
                                     .state = "state",
                                     .docker = "docker",
                                     .docker_host = ""},
                          .command_ms = 60000,
                          .output_bytes_max = 1 << 20};
    if (target_open(&setup, &world, &target, &error) != ERROR_OK)
        return print_error(&error);
    if (count > 8) {
        int status = count == 9 ? print_greeting(target, (int)strtol(words[8], NULL, 10))
                                : print_answer(target, &words[8]);
        target_close(target);
        return status;
    }
    enum error_code code = target_run(target, &(struct target_command){.script = script}, &result,
                                      &error);
    if (code == ERROR_OK)
        (void)fwrite(result.output.data, 1, result.output.size, stdout);
    target_close(target);
    return code == ERROR_OK ? result.status : print_error(&error);
}
