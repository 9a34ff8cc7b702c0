"""One named case: an honest journal, what is changed in it, and the rule that this breaks."""

import functools

import journals
import resign


@functools.cache
def honest(name):
    """Told once: whoever changes it changes a copy."""
    return journals.ALL[name]()


class Case:
    """`finds` are the rules of which a finding must name one: the rule itself, or, where it is
    one of reading (what counts), those that then find nothing. `after` changes what is signed
    already."""

    def __init__(self, name, rule, base, work=None, exit_status=1, **more):
        self.name, self.rule, self.base, self.work = name, rule, base, work
        self.exit_status = exit_status if isinstance(exit_status, tuple) else (exit_status,)
        self.finds = more.get("finds", (rule,))
        self.limits, self.html = more.get("limits"), more.get("html", False)
        self.after, self.arguments = more.get("after"), more.get("arguments", [])

    def make(self):
        """(driver of the honest story, the journal to verify)"""
        made = honest(self.base) if isinstance(self.base, str) else self.base()
        driver, work = made if isinstance(made, tuple) else (made, self.work)
        journal = driver.journal
        if work is not None:
            journal = resign.changed(journal, work)
        elif self.after is not None:
            journal = resign.changed(journal, lambda copy: None)
        if self.after is not None:
            self.after(journal)
        return driver, journal
