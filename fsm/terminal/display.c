#include "fsm/terminal/display.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/terminal/age.h"
#include "journal/format/text.h"

enum { LINES_MAX = DISPLAY_ROWS_MAX + DISPLAY_WATCHED_MAX + 16, BAR_MAX = 40 };

enum tone { TONE_PLAIN = 0, TONE_STRONG, TONE_GOOD, TONE_BAD, TONE_FAINT };

/* The frame's lines, before truncation to the terminal size. */
struct sheet {
    struct {
        char *text;
        enum tone tone;
        bool elidable;
    } lines[LINES_MAX];
    size_t count;
    bool short_of_memory;
};

static void sheet_clear(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->count; i++)
        free(sheet->lines[i].text);
}

/* Adds one line. Its parts may be foreign text, so the whole line is escaped, newlines too. */
static void add_text(struct sheet *sheet, enum tone tone, bool elidable, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void add_text(struct sheet *sheet, enum tone tone, bool elidable, const char *format, ...)
{
    char raw[1200], *text = NULL;
    size_t size = 0;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    FILE *stream = sheet->count < LINES_MAX ? open_memstream(&text, &size) : NULL;
    if (stream == NULL) {
        sheet->short_of_memory = true;
        return;
    }
    bytes_print_escaped(stream, raw, strlen(raw));
    if (fclose(stream) != 0) {
        sheet->short_of_memory = true;
        free(text);
        return;
    }
    sheet->lines[sheet->count].text = text;
    sheet->lines[sheet->count].tone = tone;
    sheet->lines[sheet->count++].elidable = elidable;
}

/* "4.2 s", "3 min 05 s", "2 h 07 min" */
static void write_duration(int64_t ns, char *ret_text, size_t room)
{
    long long tenths = (long long)(ns / 100000000), seconds = tenths / 10;
    if (ns < 0)
        ret_text[0] = '\0';
    else if (seconds < 60)
        (void)snprintf(ret_text, room, "%lld.%lld s", seconds, tenths % 10);
    else if (seconds < 3600)
        (void)snprintf(ret_text, room, "%lld min %02lld s", seconds / 60, seconds % 60);
    else
        (void)snprintf(ret_text, room, "%lld h %02lld min", seconds / 3600, seconds / 60 % 60);
}

static void add_row(struct sheet *sheet, const struct display_model *model,
                    const struct display_row *row)
{
    static const struct {
        const char *box;
        enum tone tone;
    } marks[] = {[DISPLAY_INVALID] = {"[?]", TONE_PLAIN}, [DISPLAY_DONE] = {"[x]", TONE_GOOD},
                 [DISPLAY_NOW] = {"[>]", TONE_STRONG},    [DISPLAY_TO_COME] = {"[ ]", TONE_FAINT},
                 [DISPLAY_FAILED] = {"[!]", TONE_BAD},    [DISPLAY_WITHOUT] = {"[-]", TONE_PLAIN}};
    char time[40] = "";
    if (row->mark == DISPLAY_DONE || row->mark == DISPLAY_FAILED)
        write_duration(row->took_ns, time, sizeof time);
    else if (row->mark == DISPLAY_NOW && row->began_ns > 0 && model->watcher.gone)
        (void)snprintf(time, sizeof time, "interrupted");
    else if (row->mark == DISPLAY_NOW && row->began_ns > 0)
        write_duration(model->now_ns - row->began_ns, time, sizeof time);
    else if (row->mark == DISPLAY_NOW)
        (void)snprintf(time, sizeof time, "waits");
    else if (row->mark == DISPLAY_WITHOUT)
        (void)snprintf(time, sizeof time, "there is no guard");
    add_text(sheet, marks[row->mark].tone,
             row->mark == DISPLAY_DONE || row->mark == DISPLAY_WITHOUT, "  %s %-18s  %-16s  %s",
             marks[row->mark].box, machine_state_name(row->state),
             row->action == ACTION_NONE ? "" : machine_action_name(row->action), time);
}

/* "#####....." of so many cells. */
static void write_bar(int64_t passed_ns, int64_t length_ns, size_t room, char ret_bar[BAR_MAX + 1])
{
    size_t full = 0;
    if (length_ns > 0 && passed_ns > 0)
        full = passed_ns >= length_ns ? room : (size_t)((int64_t)room * passed_ns / length_ns);
    memset(ret_bar, '.', room);
    memset(ret_bar, '#', full);
    ret_bar[room] = '\0';
}

/* What stands behind a bar decides how long it may be. */
static size_t bar_room(unsigned columns, const char *behind)
{
    size_t taken = strlen("  rollback [] ") + strlen(behind), least = 12;
    size_t room = columns > taken + least ? columns - taken : least;
    return room < BAR_MAX ? room : BAR_MAX;
}

/* In the place of any bar: nothing advances that nobody drives. */
static void add_nobody(struct sheet *sheet, const struct display_model *model)
{
    const struct display_watcher *watcher = &model->watcher;
    char age[40];
    if (!watcher->missing)
        return;
    age_write(watcher->since_ns, model->now_ns, age, sizeof age);
    add_text(sheet, TONE_BAD, false, "  NOBODY IS WATCHING since %s (%s)", watcher->since, age);
}

static void add_question(struct sheet *sheet, const struct display_model *model)
{
    const struct display_watcher *watcher = &model->watcher;
    int64_t left_ns = watcher->asks_until_ns - model->now_ns;
    if (watcher->asks[0] == '\0')
        return;
    add_text(sheet, TONE_STRONG, false, "  asks for %lld s more, on its own terminal:",
             (long long)(left_ns > 0 ? (left_ns + 999999999) / 1000000000 : 0));
    add_text(sheet, TONE_STRONG, false, "    %s", watcher->asks);
}

static void add_stopped_window(struct sheet *sheet, const struct display_window *window,
                               const char *word)
{
    char time[40], length[40];
    int64_t passed_ns = window->first_ns > 0 ? window->last_ns - window->first_ns : 0;
    write_duration(window->length_ms * 1000000, length, sizeof length);
    write_duration(passed_ns > 0 ? passed_ns : 0, time, sizeof time);
    add_text(sheet, TONE_BAD, false, "  window %s after %s of %s, sample %lld", word, time, length,
             (long long)window->count);
}

static void add_late_sample(struct sheet *sheet, const struct display_model *model, const char *age)
{
    char process[40] = "";
    if (model->watcher.process > 0)
        (void)snprintf(process, sizeof process, " (process %lld)",
                       (long long)model->watcher.process);
    add_text(sheet, TONE_BAD, false, "  the last sample is %s old; a driver lives%s", age, process);
}

static void add_bar(struct sheet *sheet, const struct display_model *model, unsigned columns)
{
    const struct display_window *window = &model->window;
    if (window->broken || (window->open && model->watcher.missing)) {
        add_stopped_window(sheet, window, window->broken ? "given up" : "stopped");
        return;
    }
    int64_t length_ns = window->length_ms * 1000000,
            end_ns = window->open ? model->now_ns : window->last_ns;
    int64_t passed_ns = window->first_ns > 0 && !window->settling ? end_ns - window->first_ns : 0,
            left_ns = length_ns - passed_ns, age_ns = model->now_ns - window->last_ns;
    char bar[BAR_MAX + 1], time[40], length[40], age[40] = "", behind[200];
    write_duration(length_ns, length, sizeof length);
    write_duration(left_ns > 0 ? left_ns : 0, time, sizeof time);
    bool counts = window->open && window->count > 0;
    if (counts)
        age_write(window->last_ns, model->now_ns, age, sizeof age);
    (void)snprintf(behind, sizeof behind, "%s%s left of %s, sample %lld%s%s%s",
                   window->settling ? "still starting, at least " : "", time, length,
                   (long long)window->count, counts ? ", " : "", age, counts ? " ago" : "");
    write_bar(passed_ns, length_ns, bar_room(columns, behind), bar);
    add_text(sheet, TONE_STRONG, false, "  window [%s] %s", bar, behind);
    if (counts && window->gap_ms > 0 && age_ns > window->gap_ms * 1000000)
        add_late_sample(sheet, model, age);
}

static void add_rollback(struct sheet *sheet, const struct display_model *model, unsigned columns)
{
    const struct display_rollback *rollback = &model->rollback;
    int64_t limit_ns = rollback->limit_ms * 1000000, passed_ns = model->now_ns - rollback->since_ns;
    char bar[BAR_MAX + 1], time[40], limit[40], behind[120];
    if (!rollback->shown)
        return;
    write_duration(limit_ns, limit, sizeof limit);
    if (rollback->since_ns == 0) {
        add_text(sheet, TONE_STRONG, false, "  rollback within %s", limit);
        return;
    }
    bool over = passed_ns > limit_ns;
    write_duration(over ? passed_ns - limit_ns : limit_ns - passed_ns, time, sizeof time);
    (void)snprintf(behind, sizeof behind, "%s %s %s", time, over ? "over its limit of" : "left of",
                   limit);
    write_bar(passed_ns, limit_ns, bar_room(columns, behind), bar);
    if (model->watcher.missing)
        add_text(sheet, TONE_BAD, false, "  rollback %s", behind);
    else
        add_text(sheet, over ? TONE_BAD : TONE_STRONG, false, "  rollback [%s] %s", bar, behind);
}

static void add_window(struct sheet *sheet, const struct display_model *model, unsigned columns)
{
    const struct display_window *window = &model->window;
    if (!window->shown)
        return;
    add_bar(sheet, model, columns);
    int width = 12;
    for (size_t i = 0; i < window->watched_count; i++)
        width = (int)strlen(window->watched[i].name) > width ? (int)strlen(window->watched[i].name)
                                                             : width;
    for (size_t i = 0; i < window->watched_count; i++) {
        const struct display_watched *watched = &window->watched[i];
        size_t marks = strlen(watched->marks), kept = columns > 60 ? DISPLAY_SAMPLES : 8,
               from = marks > kept ? marks - kept : 0;
        bool good = marks > 0 && strchr("+~", watched->marks[marks - 1]) != NULL;
        add_text(sheet, good ? TONE_PLAIN : TONE_BAD, false, "    %-*s  %*s  %s",
                 width < 28 ? width : 28, watched->name, (int)kept, watched->marks + from,
                 watched->last);
    }
}

/* Where the terminal has too few rows, finished steps are replaced by their number. */
static void elide(struct sheet *sheet, unsigned rows, size_t before)
{
    size_t from = 0, many = 0;
    while (from < sheet->count && !sheet->lines[from].elidable)
        from++;
    size_t most = from;
    while (most < sheet->count && sheet->lines[most].elidable)
        most++;
    if (sheet->count + (before > 0 ? 1 : 0) > rows) {
        many = sheet->count + 1 - rows;
        many = many < most - from ? many : most - from;
    }
    if (many + before == 0)
        return;
    for (size_t i = from; i < from + many; i++)
        free(sheet->lines[i].text);
    size_t rest = sheet->count - from - many;
    memmove(&sheet->lines[from], &sheet->lines[from + many], rest * sizeof sheet->lines[0]);
    sheet->count -= many;
    struct sheet line = {.count = 0};
    add_text(&line, TONE_GOOD, false, "  [x] %zu step%s before", many + before,
             text_many(many + before));
    if (line.count == 0 || sheet->count == LINES_MAX)
        return;
    memmove(&sheet->lines[from + 1], &sheet->lines[from], rest * sizeof sheet->lines[0]);
    sheet->lines[from] = line.lines[0];
    sheet->count++;
}

/* How many bytes of `text` fit into so many cells. The text is valid UTF-8, because it was escaped.
 */
static size_t fitting(const char *text, unsigned columns)
{
    unsigned cells = 0;
    size_t at = 0;
    while (text[at] != '\0') {
        unsigned char lead = (unsigned char)text[at];
        size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        bool wide = lead >= 0xF0
                    || (size == 3
                        && (lead > 0xE1 || (lead == 0xE1 && (unsigned char)text[at + 1] >= 0x84)));
        if (cells + (wide ? 2 : 1) > columns)
            break;
        cells += wide ? 2 : 1;
        at += size;
    }
    return at;
}

static void add_frame_line(const char *text, enum tone tone, const struct display_size *size,
                           struct text *frame)
{
    static const char *const starts[] = {[TONE_PLAIN] = "",
                                         [TONE_STRONG] = "\033[1m",
                                         [TONE_GOOD] = "\033[32m",
                                         [TONE_BAD] = "\033[1;31m",
                                         [TONE_FAINT] = "\033[2m"};
    bool coloured = size->colour && tone != TONE_PLAIN;
    size_t length = fitting(text, size->columns);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text_add_format(frame, "%s%.*s%s\n", coloured ? starts[tone] : "", (int)length, text,
                    coloured ? "\033[0m" : "");
}

static void draw_frame(struct sheet *sheet, const struct display_model *model,
                       const struct display_size *size)
{
    char time[40] = "";
    if (model->began_ns > 0)
        write_duration(model->now_ns - model->began_ns, time, sizeof time);
    add_text(sheet, TONE_STRONG, false, "%s  %s", model->target, time);
    if (model->title[0] != '\0')
        add_text(sheet, TONE_PLAIN, false, "%s", model->title);
    for (size_t i = 0; i < model->row_count; i++)
        add_row(sheet, model, &model->rows[i]);
    if (model->pull[0] != '\0')
        add_text(sheet, TONE_PLAIN, false, "  pull   %s", model->pull);
    add_nobody(sheet, model);
    add_question(sheet, model);
    add_rollback(sheet, model, size->columns);
    add_window(sheet, model, size->columns);
    if (model->last[0] != '\0')
        add_text(sheet, TONE_BAD, false, "  last   %s", model->last);
    if (model->next[0] != '\0')
        add_text(sheet, TONE_STRONG, false, "  next   %s", model->next);
}

enum error_code display_render(const struct display_model *model, const struct display_size *size,
                               struct bytes *ret_text, struct error *error)
{
    struct sheet sheet __attribute__((cleanup(sheet_clear))) = {.count = 0};
    CLEANUP_TEXT struct text frame = {0};
    draw_frame(&sheet, model, size);
    elide(&sheet, size->rows, model->rows_before);
    if (sheet.short_of_memory)
        return error_set(error, ERROR_MEMORY, 0, "display", "", "out of memory");
    for (size_t i = 0; i < sheet.count && i < size->rows; i++)
        add_frame_line(sheet.lines[i].text, sheet.lines[i].tone, size, &frame);
    return text_give(&frame, ret_text, error);
}
