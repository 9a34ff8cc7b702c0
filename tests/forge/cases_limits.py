"""Every number of a rule: exactly at the limit an honest journal is proven, and with the least more
it is not. The spans are measured in the journal, so that the waits hit them to the nanosecond."""

import edit
from case import Case
from steps import Driver
from story import LIMITS
from target import MS, WEB, digest

T = edit.transition
GAP, WINDOW = LIMITS["sample_gap_ms"], "observe_window"


class Slow(Driver):
    """Waits once: in front of the nth item of a probe in an action, of its intent (`begin`) or of
    the entry that ends it (`end`)."""

    def __init__(self, place, ns, limits=None):
        self.place, self.ns, self.seen, self.action = place, ns, {}, None
        super().__init__(limits)

    def pause(self, *place):
        nth = self.seen[place] = self.seen.get(place, -1) + 1
        if (*place, nth) == self.place:
            self.target.now += self.ns

    def item(self, probe, *more, **named):
        self.pause(self.action, probe)
        return super().item(probe, *more, **named)

    def begin(self, action, *more, **named):
        self.pause(action, "begin")
        super().begin(action, *more, **named)

    def end(self, *more, **named):
        self.pause(self.action, "end")
        super().end(*more, **named)

    def reconcile(self, *more):
        self.pause(self.action, "reconcile")
        super().reconcile(*more)


def release(driver):
    driver.release("2")


def rearmed(driver):
    driver.arm_by_hand()
    driver.release("2")


def policy(driver):
    driver.policy_change("2", "b")


def by_hand(driver):
    driver.release("2")
    driver.action = "by hand"
    driver.arm_by_hand()


def unhealthy(driver):
    driver.unhealthy_release()


def without_sample(arm):
    """The window is given up before its first sample."""

    def story(driver):
        if arm:
            driver.arm_by_hand()
        driver.release_to_verified()
        if arm:
            driver.arm()
        driver.begin("observe_window")
        driver.end("rolling_back", "unhealthy")
        driver.roll_back()

    return story


def given_up(driver):
    """The window is given up behind its second sample, which is good."""
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(2)
    driver.end("rolling_back", "unhealthy")
    driver.roll_back()


def resumed(samples):
    def story(driver):
        driver.release_to_verified()
        driver.begin("observe_window")
        if samples:
            driver.samples(samples)
        driver.resume_window(first=samples + 1, count=7)

    return story


# Moments


def first_sent(entry):
    return min(one["sent_ns"] for one in entry["body"]["evidence"])


def last_received(entry):
    return max(one["received_ns"] for one in entry["body"]["evidence"])


def from_sample(number, probe=None):
    def span(journal):
        before, after = edit.sample(journal, number), edit.sample(journal, number + 1)
        if probe is None:
            return first_sent(after) - first_sent(before)
        return edit.item(after, probe)["sent_ns"] - edit.item(before, probe)["sent_ns"]

    return span


def length_of_sample(journal):
    entry = edit.sample(journal, 7)
    return last_received(entry) - first_sent(entry)


def to_first_sample(action):
    def span(journal):
        entry = T(journal, action)
        begun = last_received(entry)
        if action == "switch_services":
            begun = edit.item(entry, "compose.up", -1)["received_ns"]
        return first_sent(edit.sample(journal, 1)) - begun

    return span


def to_confirm(journal):
    return first_sent(T(journal, "confirm")) - last_received(edit.sample(journal, 7))


def to_rollback(journal):
    seen = last_received(edit.sample(journal, 5))
    return edit.intent(journal, "make_safe")["boottime_ns"] - seen


def of_rollback(journal):
    end = T(journal, "verify_restored")["boottime_ns"]
    return end - edit.intent(journal, "make_safe")["boottime_ns"]


def from_look(action, up):
    def span(journal):
        items = T(journal, action)["body"]["evidence"]
        ups = [place for place, one in enumerate(items) if one["probe"] == "compose.up"]
        looks = [one for one in items[: ups[up]] if one["probe"] == "compose.containers"]
        return items[ups[up]]["sent_ns"] - looks[-1]["sent_ns"]

    return span


def from_checklist(journal):
    asked = edit.item(T(journal, "run_preflight"), "preflight")["received_ns"]
    return edit.item(T(journal, "switch_services"), "compose.up")["sent_ns"] - asked


def to_arm_by_hand(journal):
    items = edit.of_type(journal, "command", 1)["body"]["evidence"]
    sent = next(one["sent_ns"] for one in items if one["probe"] == "bus.publish")
    return sent - items[0]["sent_ns"]


def to_giving_up(from_):
    def span(journal):
        end = edit.transition(journal, "unhealthy")["boottime_ns"]
        if from_ == "arm":
            return end - last_received(T(journal, "arm"))
        if from_ == "intent":
            return end - edit.intent(journal, "observe_window")["boottime_ns"]
        return end - last_received(edit.sample(journal, 2))

    return span


def to_resuming(samples):
    def span(journal):
        begun = edit.intent(journal, "observe_window")
        if samples:
            begun = edit.sample(journal, samples)
        return edit.of_type(journal, "reconciliation")["boottime_ns"] - begun["boottime_ns"]

    return span


def told(story, place, ns):
    driver = Slow(place, ns)
    story(driver)
    return driver


def pair(name, rule, story, place, span, limit_ms, **more):
    """At the limit, and over it by `least` nanoseconds. `at`, `over`: the exit statuses; `finds`:
    what is found at the limit."""
    least, at, over = more.get("least", 1), more.get("at", 0), more.get("over", 1)
    limits = dict(LIMITS, **more.get("limits", {}))

    def made(extra):
        def base():
            return told(story, place, limit_ms * MS - span(told(story, place, 0).journal) + extra)

        return base

    for word, extra, status in (("at", 0, at), ("over", least, over)):
        finds = ("N-01",) if status == 0 else (rule,)
        finds = more["finds"] if word == "at" and "finds" in more else finds
        yield Case(
            f"b_{name}_{word}",
            rule,
            made(extra),
            exit_status=status,
            finds=finds,
            limits=limits,
        )


def disarmed(name, story, action, up):
    """From the look at the disarmed Execution to the `up` that it allows."""
    place, limit_ms = (action, "compose.up", up), LIMITS["disarm_fresh_ms"]
    return pair(name, "L-03", story, place, from_look(action, up), limit_ms, least=MS)


def given_up_after(name, story, begun, limit_ms):
    """A window may be given up for its silence only when that is longer than the limit."""
    span = to_giving_up(begun)
    return pair(name, "W-15", story, (WINDOW, "end", 0), span, limit_ms, at=1, over=0)


def resumed_after(name, samples, limit_ms, finds):
    """A window that is resumed at the limit misses its next sample all the same: `finds`."""
    place, span = (WINDOW, "reconcile", 0), to_resuming(samples)
    return pair(name, "P-27", resumed(samples), place, span, limit_ms, at=1, finds=(finds,))


def edited(name, rule, base, work, values, **more):
    """The same change with each of these values; `bad` are those that violate."""
    for value in values:
        status = 1 if value in more["bad"] else 0
        finds = more.get("finds", (rule,)) if status else ("N-01",)
        yield Case(
            f"b_{name}_{value}",
            rule,
            base,
            lambda journal, value=value: work(journal, value),
            exit_status=more.get("status", status),
            finds=finds,
        )


# Edits


def target_items(entry):
    return [one for one in entry["body"].get("evidence", []) if "target" in one]


def longer_request(journal, more):
    """One request of the target took as long as it may, and `more` ms."""
    one = edit.item(T(journal, "connect"), "git.head")
    took = (one["received_ns"] - one["sent_ns"]) // MS
    one["target"]["after_ms"] = one["target"]["before_ms"] + took + 1000 + more


def uptime_from_confirm(journal, more):
    """The target's uptime grew as much as it may since the sample before, and `more` ms."""
    items = target_items(T(journal, "confirm"))
    last = target_items(edit.sample(journal, 7))[-1]
    driver = (items[0]["received_ns"] - last["sent_ns"]) // MS
    grown = items[0]["target"]["before_ms"] - last["target"]["before_ms"]
    shift_uptime(journal, "confirm", driver + driver // 1000 + 1000 + more - grown)


def uptime_stands(journal, more):
    """The target's uptime did not grow since the sample before, or fell."""
    first = target_items(T(journal, "confirm"))[0]
    last = target_items(edit.sample(journal, 7))[-1]
    shift_uptime(
        journal, "confirm", last["target"]["before_ms"] - first["target"]["before_ms"] + more
    )


def shift_uptime(journal, action, ms, boot=None):
    for entry in journal.entries[journal.entries.index(T(journal, action)) :]:
        for one in target_items(entry):
            one["target"]["before_ms"] += ms
            one["target"]["after_ms"] += ms
            one["target"]["boot"] = boot or one["target"]["boot"]


def rebooted_before_connect(journal, more):
    """The new boot is as old as it may be, and `more` ms."""
    last = target_items(T(journal, "run_preflight"))[-1]
    first = target_items(T(journal, "connect"))[0]
    driver = (first["received_ns"] - last["sent_ns"]) // MS
    move = driver + 1000 + more - first["target"]["before_ms"]
    shift_uptime(journal, "connect", move, "0b5a17c5-2222-4333-8444-555566667777")


def wall_clock(journal, ms):
    """The driver's, from the fifth entry of the deployment on."""
    for entry in journal.entries[6:]:
        entry["utc"] = edit.shifted_utc(entry["utc"], ms)


def targets_wall_clock(journal, ms, action="confirm"):
    for entry in journal.entries[journal.entries.index(T(journal, action)) :]:
        for one in target_items(entry):
            wall = one["target"]["wall_ms"]
            one["target"]["wall_ms"] = wall - wall % 10 + one["target"]["before_ms"] % 10 + ms


def sick(endpoints):
    """(endpoint, samples) that fail."""

    def work(journal, _):
        for endpoint, numbers in endpoints:
            for number in numbers:
                entry = edit.sample(journal, number)
                edit.item(entry, "health", 0, endpoint)["status"] = 503

    return work


def unhealthy_service(journal, count):
    for number in range(2, 2 + count):
        entry = edit.sample(journal, number)
        edit.change_rows(journal, entry, "compose.containers", WEB, health="unhealthy")


def silent(journal, count):
    for number in range(2, 2 + count):
        one = edit.item(edit.sample(journal, number), "bus.policy_hash")
        edit.put(journal, one, "")
        one["status"] = 2


def failed_marker(journal, count):
    for number in range(2, 2 + count):
        edit.item(edit.sample(journal, number), "interlock.marker")["status"] = 1


def name_of(journal, length):
    for entry in journal.entries:
        edit.change_rows(journal, entry, "compose.containers", WEB, service="w" * length)


def rows_of_list(journal, count):
    one = edit.item(T(journal, "verify_release"), "compose.containers")
    made = edit.rows(journal, one)
    web = next(row for row in made if row["service"] == WEB)
    more = [dict(web, id=digest("more", number)) for number in range(count - len(made))]
    edit.put_rows(journal, one, made + more)


def stepped_before(journal, ms):
    """In front of the new containers: of their runs the first `ms` are none where it is a step."""
    targets_wall_clock(journal, ms, "update_code")


SHORT = {"window_start_armed_ms": 2000}
CASES = [
    *pair("gap", "W-04", release, (WINDOW, "compose.containers", 6), from_sample(3), GAP),
    *pair("endpoint", "W-04", release, (WINDOW, "health", 9), from_sample(3, "health"), GAP),
    *pair("sample", "W-04", release, (WINDOW, "logs.brain", 6), length_of_sample, GAP),
    *pair(
        "switched",
        "W-03",
        release,
        (WINDOW, "begin", 0),
        to_first_sample("switch_services"),
        LIMITS["window_start_ms"],
    ),
    *pair("armed", "W-03", rearmed, (WINDOW, "begin", 0), to_first_sample("arm"), GAP),
    *pair(
        "armed_short",
        "W-03",
        policy,
        (WINDOW, "begin", 0),
        to_first_sample("arm"),
        2000,
        limits=SHORT,
    ),
    *pair("confirm", "W-04", release, ("confirm", "begin", 0), to_confirm, GAP),
    *pair(
        "begun",
        "W-12",
        unhealthy,
        ("make_safe", "begin", 0),
        to_rollback,
        LIMITS["rollback_start_ms"],
    ),
    *pair(
        "took",
        "W-13",
        unhealthy,
        ("verify_restored", "begin", 0),
        of_rollback,
        LIMITS["rollback_ms"],
    ),
    *disarmed("disarmed", policy, "deploy_execution", 0),
    *disarmed("disarmed_again", policy, "deploy_brain", 1),
    *disarmed("disarmed_back", unhealthy, "redeploy", 0),
    *pair(
        "checklist",
        "F-03",
        release,
        ("switch_services", "begin", 0),
        from_checklist,
        LIMITS["preflight_ms"],
    ),
    *pair("by_hand", "L-08", by_hand, ("by hand", "bus.publish", 0), to_arm_by_hand, 30000),
    *given_up_after("late_arm", without_sample(True), "arm", GAP),
    *given_up_after("late_start", without_sample(False), "intent", LIMITS["window_start_armed_ms"]),
    *given_up_after("silence", given_up, "sample", GAP),
    *resumed_after("resumed", 3, GAP, "W-04"),
    *resumed_after("resumed_first", 0, LIMITS["window_start_ms"], "W-03"),
    *edited("request", "C-04", "release", longer_request, (0, 1), bad=(1,)),
    *edited("uptime", "C-05", "release", uptime_from_confirm, (0, 1), bad=(1,)),
    *edited("uptime_stands", "C-05", "release", uptime_stands, (0, -1), bad=(-1,)),
    *edited("reboot", "C-06", "release", rebooted_before_connect, (0, 1), bad=(1,)),
    *edited("wall", "C-07", "release", wall_clock, (1500, 1501, -1500, -1501), bad=(1501, -1501)),
    *edited("wall_of_target", "N-08", "release", targets_wall_clock, (1990, 2010, -2010), bad=()),
    *edited(
        "stepped_before",
        "H-03",
        "release",
        stepped_before,
        (1990, 2010),
        bad=(2010,),
        finds=("H-13",),
    ),
    *edited("two_of_one", "W-07", "release", sick([("web", (2, 3))]), (2,), bad=()),
    *edited("three_of_one", "W-07", "release", sick([("web", (2, 3, 4))]), (3,), bad=(3,)),
    *edited(
        "three_of_two", "W-07", "release", sick([("web", (2, 3)), ("brain", (4,))]), (3,), bad=()
    ),
    *edited(
        "four_in_all", "W-08", "release", sick([("web", (1, 3)), ("brain", (4, 6))]), (4,), bad=(4,)
    ),
    *edited("last_sample", "W-08", "release", sick([("web", (7,))]), (1,), bad=(1,)),
    *edited("service", "W-07", "release", unhealthy_service, (2, 3), bad=(3,)),
    *edited("silent", "W-07", "release", silent, (2, 3), bad=(3,)),
    *edited("probe", "W-07", "release", failed_marker, (2, 3), bad=(3,)),
    *edited("name", "I-09", "release", name_of, (63,), bad=(63,), finds=("P-12",)),
    *edited("name", "I-09", "release", name_of, (64,), bad=(64,), status=5),
    *edited("rows", "I-09", "release", rows_of_list, (128,), bad=(128,), finds=("P-30",)),
    *edited("rows", "I-09", "release", rows_of_list, (129,), bad=(129,), status=5),
]
