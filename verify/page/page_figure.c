/* The time line as a picture: a row for each state the deployment was in, then a row of samples for
 * each endpoint, policy hash and interlock. */
#include "verify/page/axis.h"
#include "verify/page/markup.h"
#include "verify/page/page.h"

enum {
    WIDTH = 1000,
    GUTTER = 170,
    MARGIN = 20,
    TOP = 44,
    ROW = 18,
    BOTTOM = 44,
    LABEL_BYTES = 24,
    TICK_WIDTH = 84
};

struct visit {
    enum state state;
    size_t first, last; /* entries: in it from the first to the last */
};

struct figure {
    const struct page *page;
    FILE *stream;
    struct axis axis;
    struct visit visits[PAGE_VISITS_MAX];
    size_t visit_count, visits_left_out, rows;
    struct page_window window;
    struct page_rollback rollback;
    bool has_window, has_rollback;
    int64_t window_end_ms, window_start_ms, rollback_end_ms; /* drawn */
};

static void collect_visits(struct figure *figure)
{
    const struct deployment *deployment = &figure->page->audit.deployment;
    struct visit visit = {.state = STATE_OPENED};
    for (size_t i = 0; i < deployment->count; i++) {
        enum state to = deployment->entries[i]->type == ENTRY_TRANSITION
                            ? state_by_name(node_text(entry_body(deployment->entries[i]), "to"))
                            : STATE_INVALID;
        visit.last = i;
        bool leaves = to != STATE_INVALID && to != visit.state, ends = i + 1 == deployment->count;
        if (leaves || ends) {
            if (figure->visit_count < PAGE_VISITS_MAX)
                figure->visits[figure->visit_count++] = visit;
            else
                figure->visits_left_out++;
        }
        if (leaves)
            visit = (struct visit){.state = to, .first = i, .last = i};
        if (leaves && ends && figure->visit_count < PAGE_VISITS_MAX)
            figure->visits[figure->visit_count++] = visit;
    }
}

/* Everything that reaches behind the last entry is asked for before anything is drawn, since the
 * axis grows by it. */
static void place_limits(struct figure *figure)
{
    const struct limits *limits = figure->page->audit.limits;
    figure->has_window = page_window(figure->page, &figure->window);
    figure->has_rollback = page_rollback(figure->page, &figure->rollback);
    if (figure->has_window) {
        int64_t sample_ms = figure->axis.at_ms[figure->window.entry],
                ahead_ms = figure->window.before_ms < sample_ms ? figure->window.before_ms
                                                                : sample_ms;
        figure->window_start_ms = sample_ms - ahead_ms;
        figure->window_end_ms = axis_after(&figure->axis, figure->window.entry,
                                           limits->window_ms - ahead_ms);
    }
    if (figure->has_rollback)
        figure->rollback_end_ms = axis_after(&figure->axis, figure->rollback.start,
                                             limits->rollback_ms);
}

static int64_t across(const struct figure *figure, int64_t at_ms)
{
    return GUTTER + at_ms * (WIDTH - GUTTER - MARGIN) / figure->axis.end_ms;
}

static int64_t entry_across(const struct figure *figure, size_t entry)
{
    return across(figure, figure->axis.at_ms[entry]);
}

static int64_t row_top(size_t row)
{
    return TOP + (int64_t)row * ROW;
}

static void open_label(const struct figure *figure, size_t row)
{
    int64_t y = row_top(row);
    fprintf(figure->stream,
            "<path class=\"rule\" d=\"M0 %lldH%d\"/><text x=\"%d\" y=\"%lld\" text-anchor=\"end\">",
            (long long)(y + ROW), WIDTH, GUTTER - 14, (long long)(y + 13));
}

enum mark {
    MARK_INVALID = 0,
    MARK_INTENT,
    MARK_DONE,
    MARK_FAILED,
    MARK_LOOKED,
    MARK_TAKEN,
    MARK_GOOD,
    MARK_BAD,
    MARK_MISSING,
    MARK_ARMED,
    MARK_DISARMED
};

/* Each has a form of its own: nothing is told by colour alone. An intent stands before its moment
 * and `done` behind, so that both of a quick step are seen. */
static void draw_mark(FILE *stream, enum mark mark, int64_t x, int64_t y)
{
    static const struct {
        const char *kind, *path;
    } forms[] = {[MARK_INTENT] = {"ask-mark", "m-7-4l7 4-7 4z"},
                 [MARK_DONE] = {"good-mark", "m0 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z"},
                 [MARK_FAILED] = {"bad-mark", "m-4-4l8 8m-8 0l8-8"},
                 [MARK_LOOKED] = {"ask-mark", "m0-5l5 5-5 5-5-5z"},
                 [MARK_TAKEN] = {"ask-mark", "m-4-4h8v8h-8z"},
                 [MARK_GOOD] = {"good-mark", "m0-4v8"},
                 [MARK_BAD] = {"bad-mark", "m-3-4l6 8m-6 0l6-8"},
                 [MARK_MISSING] = {"missing-mark", "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z"},
                 [MARK_ARMED] = {"armed-mark", "m-2-4h4v8h-4z"},
                 [MARK_DISARMED] = {"disarmed-mark", "m-2-2h4v4h-4z"}};
    fprintf(stream, "<path class=\"%s\" d=\"M%lld %lld%s\"/>", forms[mark].kind, (long long)x,
            (long long)y, forms[mark].path);
}

static enum mark mark_of(struct entry *entry)
{
    if (entry->type == ENTRY_INTENT)
        return MARK_INTENT;
    if (entry->type == ENTRY_RECONCILIATION)
        return MARK_LOOKED;
    if (entry->type == ENTRY_TAKEOVER)
        return MARK_TAKEN;
    if (entry->type != ENTRY_TRANSITION)
        return MARK_INVALID;
    enum event event = event_by_name(node_text(entry_body(entry), "event"));
    return event == EVENT_DONE || event == EVENT_REARMED ? MARK_DONE : MARK_FAILED;
}

static void draw_visit(const struct figure *figure, size_t row)
{
    const struct visit *visit = &figure->visits[row];
    const struct deployment *deployment = &figure->page->audit.deployment;
    int64_t from = entry_across(figure, visit->first), to = entry_across(figure, visit->last),
            y = row_top(row), intent = -1;
    open_label(figure, row);
    fprintf(
        figure->stream,
        "%s</text><rect class=\"%s\" x=\"%lld\" y=\"%lld\" width=\"%lld\" height=\"10\" rx=\"2\"/>",
        state_name(visit->state),
        machine_is_reverting(visit->state) || visit->state == STATE_ABORTING ? "backbar" : "bar",
        (long long)from, (long long)(y + 4), (long long)(to - from > 3 ? to - from : 3));
    for (size_t i = visit->first; i <= visit->last; i++) {
        if (deployment->entries[i]->type == ENTRY_INTENT)
            intent = entry_across(figure, i);
        if (deployment->entries[i]->type == ENTRY_TRANSITION && i > visit->first && intent >= 0)
            fprintf(figure->stream,
                    "<rect class=\"work\" x=\"%lld\" y=\"%lld\" width=\"%lld\" height=\"4\"/>",
                    (long long)intent, (long long)(y + 7),
                    (long long)(entry_across(figure, i) - intent > 1
                                    ? entry_across(figure, i) - intent
                                    : 1));
    }
    for (size_t i = visit->first + (row > 0); i <= visit->last; i++) {
        enum mark mark = mark_of(deployment->entries[i]);
        if (mark != MARK_INVALID)
            draw_mark(figure->stream, mark, entry_across(figure, i), y + 9);
    }
    fputc('\n', figure->stream);
}

static enum mark health_mark(enum page_health health)
{
    return health == PAGE_GOOD ? MARK_GOOD : health == PAGE_BAD ? MARK_BAD : MARK_MISSING;
}

static enum mark interlock_mark(const struct page *page, const struct entry *entry)
{
    const struct look *look = hearing_look(&page->audit.deployment.hearing, entry, 0,
                                           entry->item_count);
    enum showing showing = look != NULL ? look->showing : SHOWING_UNKNOWN;
    return showing == SHOWING_ARMED      ? MARK_ARMED
           : showing == SHOWING_DISARMED ? MARK_DISARMED
                                         : MARK_MISSING;
}

enum sampled { SAMPLED_INVALID = 0, SAMPLED_ENDPOINT, SAMPLED_POLICY, SAMPLED_INTERLOCK };

static void draw_samples(struct figure *figure, enum sampled what, struct slice name)
{
    const struct deployment *deployment = &figure->page->audit.deployment;
    size_t row = figure->rows++, drawn = 0;
    int64_t status;
    open_label(figure, row);
    markup_short(figure->stream, name, LABEL_BYTES);
    fputs("</text>", figure->stream);
    for (size_t i = 0; i < deployment->count && drawn < PAGE_SAMPLES_MAX; i++) {
        const struct entry *entry = deployment->entries[i];
        if (entry->type != ENTRY_SAMPLE)
            continue;
        enum mark mark = what == SAMPLED_ENDPOINT
                             ? health_mark(page_health(figure->page, entry, name, &status))
                         : what == SAMPLED_POLICY ? health_mark(page_policy(figure->page, entry))
                                                  : interlock_mark(figure->page, entry);
        draw_mark(figure->stream, mark, entry_across(figure, i), row_top(row) + 9);
        drawn++;
    }
    fputc('\n', figure->stream);
}

/* A label over a span: to the right of its beginning, or where there is no room, to the left of its
 * end. */
static void label_span(const struct figure *figure, int64_t from, int64_t to, int64_t y,
                       const char *words, int64_t ms)
{
    bool right = from < WIDTH - 260;
    fprintf(figure->stream, "<text x=\"%lld\" y=\"%lld\"%s>%s", (long long)(right ? from : to),
            (long long)y, right ? "" : " text-anchor=\"end\"", words);
    markup_duration(figure->stream, ms);
    fputs("</text>", figure->stream);
}

static void draw_spans(const struct figure *figure, int64_t bottom)
{
    const struct limits *limits = figure->page->audit.limits;
    if (figure->has_window) {
        int64_t from = across(figure, figure->window_start_ms),
                to = across(figure, figure->window_end_ms);
        fprintf(figure->stream,
                "<rect class=\"window\" x=\"%lld\" y=\"%d\" width=\"%lld\" height=\"%lld\"/><path "
                "class=\"edge\" d=\"M%lld %dV%lld\"/>",
                (long long)from, TOP - 26, (long long)(to - from), (long long)(bottom - TOP + 26),
                (long long)to, TOP - 26, (long long)bottom);
        label_span(figure, from, to, TOP - 30, "window: ", limits->window_ms);
    }
    if (figure->has_rollback) {
        int64_t from = entry_across(figure, figure->rollback.start),
                to = across(figure, figure->rollback_end_ms),
                end = entry_across(figure, figure->rollback.end);
        fprintf(figure->stream,
                "<path class=\"span\" d=\"M%lld %dv8m0-4H%lldm0-4v8\"/><path class=\"edge\" "
                "d=\"M%lld %dH%lldM%lld %dV%lld\"/>",
                (long long)from, TOP - 8, (long long)end, (long long)end, TOP - 4, (long long)to,
                (long long)to, TOP - 12, (long long)bottom);
        label_span(figure, from, to, TOP - 12, "rollback, limit: ", limits->rollback_ms);
    }
}

static void draw_axis(const struct figure *figure, int64_t bottom)
{
    int64_t free_from = GUTTER;
    fprintf(figure->stream,
            "<text class=\"dim\" x=\"%d\" y=\"%lld\" text-anchor=\"end\">since it was "
            "opened</text><text class=\"dim\" x=\"%d\" y=\"%lld\" text-anchor=\"end\">drawn "
            "short</text>",
            GUTTER - 14, (long long)(bottom + 16), GUTTER - 14, (long long)(bottom + 32));
    for (size_t i = 0; i < figure->axis.count; i++) {
        int64_t x = entry_across(figure, i);
        if (x < free_from || x > WIDTH - TICK_WIDTH / 2)
            continue;
        fprintf(
            figure->stream,
            "<path class=\"rule\" d=\"M%lld %lldv5\"/><text class=\"dim\" x=\"%lld\" y=\"%lld\">",
            (long long)x, (long long)bottom, (long long)x, (long long)(bottom + 16));
        markup_duration(figure->stream, figure->axis.real_ms[i]);
        fputs("</text>", figure->stream);
        free_from = x + TICK_WIDTH;
    }
    free_from = GUTTER;
    for (size_t i = 0; i < figure->axis.break_count; i++) {
        const struct axis_break *wait = &figure->axis.breaks[i];
        int64_t x = across(figure, wait->at_ms);
        fprintf(figure->stream, "<path class=\"cut\" d=\"M%lld %dV%lld\"/>", (long long)x, TOP,
                (long long)bottom);
        if (x < free_from || x > WIDTH - TICK_WIDTH / 2)
            continue;
        fprintf(figure->stream, "<text class=\"dim\" x=\"%lld\" y=\"%lld\">", (long long)x,
                (long long)(bottom + 32));
        if (wait->unknown)
            fputs("another boot", figure->stream);
        else
            markup_duration(figure->stream, wait->real_ms);
        fputs("</text>", figure->stream);
        free_from = x + TICK_WIDTH;
    }
}

static void write_legend(FILE *stream)
{
    static const struct {
        enum mark mark;
        const char *words;
    } legend[] = {{MARK_INTENT, "intent"},
                  {MARK_DONE, "outcome: done"},
                  {MARK_FAILED, "outcome: not done"},
                  {MARK_LOOKED, "looked at after an interruption"},
                  {MARK_TAKEN, "taken over"},
                  {MARK_GOOD, "sample good, policy hash equal"},
                  {MARK_BAD, "not good, or unequal"},
                  {MARK_MISSING, "no answer, or not known"},
                  {MARK_ARMED, "armed"},
                  {MARK_DISARMED, "disarmed"}};
    fputs("<ul class=\"legend\">", stream);
    for (size_t i = 0; i < sizeof legend / sizeof legend[0]; i++) {
        fputs("<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\">", stream);
        draw_mark(stream, legend[i].mark,
                  legend[i].mark == MARK_INTENT ? 11
                  : legend[i].mark == MARK_DONE ? 4
                                                : 7,
                  7);
        fprintf(stream, "</svg>%s</li>", legend[i].words);
    }
    fputs("</ul>\n", stream);
}

static size_t count_rows(const struct page *page, size_t visits)
{
    size_t endpoints = page->audit.genesis.endpoints->count;
    return visits + (endpoints < PAGE_ENDPOINTS_MAX ? endpoints : PAGE_ENDPOINTS_MAX)
           + (page->audit.genesis.has_policy ? 2 : 0);
}

static void draw_rows(struct figure *figure)
{
    const struct genesis *genesis = &figure->page->audit.genesis;
    for (size_t row = 0; row < figure->visit_count; row++)
        draw_visit(figure, row);
    figure->rows = figure->visit_count;
    if (!figure->has_window)
        return;
    size_t drawn = 0;
    for (const struct node *endpoint = genesis->endpoints->first;
         endpoint != NULL && drawn < PAGE_ENDPOINTS_MAX; endpoint = endpoint->next, drawn++)
        draw_samples(figure, SAMPLED_ENDPOINT, endpoint->text);
    if (genesis->has_policy) {
        draw_samples(figure, SAMPLED_POLICY, slice_of("policy hash"));
        draw_samples(figure, SAMPLED_INTERLOCK, slice_of("interlock"));
    }
}

static void free_figure(struct figure *figure)
{
    axis_free(&figure->axis);
}

void page_figure(const struct page *page)
{
    struct figure figure
        __attribute__((cleanup(free_figure))) = {.page = page, .stream = page->stream};
    unsigned long long number = page->audit.deployment.number;
    axis_build(&page->audit.deployment, &figure.axis);
    collect_visits(&figure);
    place_limits(&figure);
    int64_t bottom = row_top(figure.has_window ? count_rows(page, figure.visit_count)
                                               : figure.visit_count);
    fprintf(page->stream,
            "<figure>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Time line "
            "of deployment %llu, picture\">"
            "<svg class=\"picture\" viewBox=\"0 0 %d %lld\" role=\"img\" "
            "aria-labelledby=\"picture-%llu\" aria-describedby=\"picture-%llu-says\">"
            "<title id=\"picture-%llu\">Time line of deployment %llu</title><desc "
            "id=\"picture-%llu-says\">",
            number, WIDTH, (long long)(bottom + BOTTOM), number, number, number, number, number);
    page_summary(page);
    fputs("</desc>\n", page->stream);
    draw_spans(&figure, bottom);
    draw_rows(&figure);
    draw_axis(&figure, bottom);
    fputs("</svg></div>\n<figcaption>", page->stream);
    page_summary(page);
    if (figure.visits_left_out > 0)
        fprintf(page->stream, " %zu more states are left out of the picture.",
                figure.visits_left_out);
    fputs(" Waits of more than half a minute are drawn short, along a dotted line.", page->stream);
    write_legend(page->stream);
    fputs("</figcaption></figure>\n", page->stream);
}
