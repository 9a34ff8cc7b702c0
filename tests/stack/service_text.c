#include "service.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t text_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t text_epoch_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void text_utc(char *ret_text, size_t room)
{
    struct timespec now;
    struct tm parts;
    char seconds[40];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(ret_text, room, "%s.%06ldZ", seconds, now.tv_nsec / 1000);
}

/* Length of the UTF-8 sequence at `data`, 0 when it is none. */
static size_t sequence_length(const uint8_t *data, size_t size)
{
    uint8_t first = data[0];
    size_t length = first < 0x80                    ? 1
                    : first >= 0xC2 && first < 0xE0 ? 2
                    : first >= 0xE0 && first < 0xF0 ? 3
                    : first >= 0xF0 && first < 0xF5 ? 4
                                                    : 0;
    if (length == 0 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((data[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (first == 0xE0 && data[1] < 0xA0) || (first == 0xF0 && data[1] < 0x90);
    bool outside = (first == 0xED && data[1] > 0x9F) || (first == 0xF4 && data[1] > 0x8F);
    return overlong || outside ? 0 : length;
}

void text_json(const uint8_t *data, size_t size, char *ret_text, size_t room)
{
    size_t used = 0;
    for (size_t at = 0; at < size && used + 8 < room;) {
        size_t length = sequence_length(data + at, size - at);
        if (length == 0) {
            memcpy(ret_text + used, "\xEF\xBF\xBD", 3);
            used += 3;
            at++;
        } else if (length == 1 && (data[at] < 0x20 || data[at] == '"' || data[at] == '\\')) {
            bool plain = data[at] == '"' || data[at] == '\\';
            used += (size_t)(plain ? snprintf(ret_text + used, room - used, "\\%c", data[at])
                                   : snprintf(ret_text + used, room - used, "\\u%04x", data[at]));
            at++;
        } else {
            memcpy(ret_text + used, data + at, length);
            used += length;
            at += length;
        }
    }
    ret_text[used] = '\0';
}

size_t text_read_file(const char *root, const char *path, char *ret_text, size_t room)
{
    char name[512];
    (void)snprintf(name, sizeof name, "%s%s", root, path);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    for (ssize_t got = 1; fd >= 0 && used + 1 < room && got > 0;) {
        got = read(fd, ret_text + used, room - used - 1);
        used += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        (void)close(fd);
    ret_text[used] = '\0';
    return used;
}

static uint32_t rotate(uint32_t word, unsigned by)
{
    return (word >> by) | (word << (32 - by));
}

/* FIPS 180-4, 6.2.2. */
static void sha256_block(uint32_t state[8], const uint8_t *block)
{
    static const uint32_t k[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
                                   0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
                                   0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7,
                                   0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
                                   0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
                                   0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
                                   0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
                                   0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
                                   0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
                                   0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
                                   0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
                                   0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
                                   0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64], v[8];
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16
               | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (size_t i = 16; i < 64; i++)
        w[i] = (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10)) + w[i - 7]
               + (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3)) + w[i - 16];
    memcpy(v, state, sizeof v);
    for (size_t i = 0; i < 64; i++) {
        uint32_t one = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25))
                       + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        uint32_t two = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22))
                       + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += one;
        v[0] = one + two;
    }
    for (size_t i = 0; i < 8; i++)
        state[i] += v[i];
}

void text_sha256_hex(const void *data, size_t size, char ret_hex[SERVICE_HASH_HEX + 1])
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *at = data;
    size_t left = size;
    for (; left >= 64; at += 64, left -= 64)
        sha256_block(state, at);
    uint8_t last[128] = {0};
    size_t blocks = left >= 56 ? 2 : 1;
    if (left > 0)
        memcpy(last, at, left);
    last[left] = 0x80;
    for (size_t i = 0; i < 8; i++)
        last[blocks * 64 - 1 - i] = (uint8_t)(((uint64_t)size * 8) >> (8 * i));
    for (size_t i = 0; i < blocks; i++)
        sha256_block(state, last + 64 * i);
    for (size_t i = 0; i < 8; i++)
        (void)snprintf(ret_hex + 8 * i, 9, "%08x", state[i]);
}

void text_log(const struct service *service, const char *level, const char *message)
{
    char line[SERVICE_TEXT_MAX + 256], time[40];
    text_utc(time, sizeof time);
    int length =
        service->role == ROLE_EXECUTION
            ? snprintf(line, sizeof line,
                       "{\"timestamp\":\"%s\",\"level\":\"%s\",\"fields\":{\"message\":\"%s\"},"
                       "\"target\":\"titan_execution\"}\n",
                       time, level, message)
            : snprintf(
                line, sizeof line,
                "{\"timestamp\":\"%s\",\"level\":\"%s\",\"message\":\"%s\",\"component\":\"%s\"}\n",
                time, level, message, service->name);
    /* One write a line: two services on one terminal do not tear each other's lines. */
    ssize_t written = length > 0 && (size_t)length < sizeof line
                          ? write(STDOUT_FILENO, line, (size_t)length)
                          : 0;
    (void)written;
}

void text_logf(const struct service *service, const char *level, const char *format, ...)
{
    char plain[2048], escaped[SERVICE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(plain, sizeof plain, format, arguments);
    va_end(arguments);
    text_json((const uint8_t *)plain, strlen(plain), escaped, sizeof escaped);
    text_log(service, level, escaped);
}

void text_note(const struct service *service, const char *file, const char *format, ...)
{
    char name[512], line[SERVICE_TEXT_MAX + 256], time[40];
    if (service->shared[0] == '\0')
        return;
    (void)snprintf(name, sizeof name, "%s/%s", service->shared, file);
    int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    text_utc(time, sizeof time);
    int used = snprintf(line, sizeof line, "%s %s ", time, service->name);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
    va_end(arguments);
    size_t length = (size_t)used + (more > 0 ? (size_t)more : 0);
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    ssize_t written = write(fd, line, length);
    (void)written;
    (void)close(fd);
}
