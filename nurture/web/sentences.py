"""Sentences that the product made, in the reader's language.

They are kept, logged and told to programs in English, with what they are about filled in. A page takes them apart by
how they were made, and puts them together in its own language. What a person or a playbook wrote was made like none of
these, and stays as it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

from nurture.playbook.wording import key_words
from nurture.web.i18n import Words, later
from nurture.web.vocabulary import KEYS

SENTENCES = (
    # why a lead is with sales, and how that ended
    later("reached the stage %(text)s with %(number)s points"),
    later("nobody contacted the lead in time"),
    later("not done in time"),
    later("sales told no outcome in time"),
    later("the lead was joined with one that %(who)s has in hand"),
    later("meeting booked"),
    later("Ordered for %(text)s. Say won if that is your sale: it counts once."),
    later("erased on request"),
    # what a lead did (nurture.domain.story)
    later("Looked at %(what)s"),
    later("Looked"),
    later("Filled in the form %(what)s"),
    later("Filled in the form"),
    later("Downloaded %(what)s"),
    later("Watched %(what)s"),
    later("Watched"),
    later("Asked for a demo of %(what)s"),
    later("Asked for a demo"),
    later("Chatted with us about %(what)s"),
    later("Chatted with us"),
    later("Talked to sales about %(what)s"),
    later("Talked to sales"),
    later("Ordered for %(what)s"),
    later("Ordered"),
    later("Opened a support case on %(what)s"),
    later("Opened a support case"),
    later("Had a support case closed on %(what)s"),
    later("Had a support case closed"),
    later("Unsubscribed from mails"),
    later("Wants mails again"),
    later("Asked for a break from mails"),
    later("A mail came back"),
    later("Reported a mail as spam"),
    later("Opened the mail %(what)s"),
    later("Opened the mail"),
    later("Clicked %(link)s in the mail %(what)s"),
    later("Clicked %(link)s in the mail"),
    later("a link"),
    later("%(what)s, %(number)s times"),
    # what became of a mail
    later("waited: %(what)s"),
    later("sent, says %(who)s"),
    later("not sent, says %(who)s"),
    later("the mail is %(state)s; only unknown ones are to be settled"),
    later("say what became of the mail, and that you are sure"),
    # what the desk says of an answer
    later("This was already noted as %(state)s; nothing changed."),
    later("Noted: tried. Only %(what)s counts as contact; the deadline stays."),
    later("this handover is %(state)s, so it cannot become %(answer)s any more"),
    later("contacted needs how"),
    later("say how: %(what)s"),
    later("a rejection needs one of these reasons: %(text)s"),
    later("a snooze needs one of these reasons: %(text)s"),
    later("a snooze needs the day the lead asked for"),
    later("booked needs the time of the meeting"),
    later("won needs the amount of the order, in whole units"),
    later("this date is over"),
    later("at most %(number)s days ahead"),
    later("must be a day or a time such as 2026-12-01T09:00"),
    later("must be a whole number such as 12500"),
    later("must be three letters such as DKK"),
    later("this handover does not exist"),
    later("this lead is no longer here"),
    later("%(what)s; ask for the lead to be sent again"),
    later("somebody"),
    later("this needs the permission %(text)s"),
    # what a form or an address may be wrong about
    later("must be at most %(number)s"),
    later("longer than %(number)s characters"),
    later("must be one of %(text)s"),
    later("is not one of %(text)s"),
    later("%(text)s is not one of %(all)s"),
    later("%(text)s is not a month; write it as 2026-11"),
    later("%(text)s has an account already"),
    later("%(text)s: there is no such scope"),
    later("there is no such account"),
    later("there is no such token"),
    later("there is no such version of the playbook"),
    later("no audience goes by that name"),
    later("no audience of that name was ever synced"),
    later("nobody goes by that name"),
    later("no lead goes by this name"),
    later("is not paused"),
    later("the receiver wants no calls (%(text)s); open it again first"),
    # what a new version of the playbook changes (nurture.playbook.planning)
    later(
        "what was in force needs a newer release, so flows cannot be compared: every lead in flight looks anew, "
        "and leaves where its flow or its step is not there"
    ),
    later("flow %(what)s: %(change)s"),
    later("new, with %(number)s steps"),
    later("the way through its steps changes"),
    later("removed"),
    later("renamed from %(text)s"),
    later("%(text)s is merged into it"),
    later("step %(text)s deleted (%(does)s)"),
    later("step %(text)s inserted (%(does)s)"),
    later("step %(text)s: %(does)s → %(will_do)s"),
    later("step %(text)s has the name that %(other)s had, so who got that does not get this"),
    later("step %(text)s is now called %(other)s"),
    later("step %(text)s moved"),
    later("who enters changes"),
    later("in flight: %(text)s"),
    later("goal: %(setting)s → %(new)s"),
    later("exits: %(setting)s → %(new)s"),
    later("live: %(setting)s → %(new)s"),
    later("paused: %(setting)s → %(new)s"),
    later("priority: %(setting)s → %(new)s"),
    later("consent: %(what)s → %(other_what)s"),
    later("about: %(setting)s → %(new)s"),
    later("send window: %(setting)s → %(new)s"),
    later("mail %(text)s: new words, for mails not sent yet"),
    later("added %(text)s"),
    later("removed %(text)s"),
    later("changed %(text)s"),
)
"""The first that fits is taken. `%(number)s` stands for digits only."""

Patterns = Sequence[tuple[re.Pattern[str], str]]
"""Sentences, each with what finds a text that was made of it."""

_STEPS = (
    *("mail %(mail)s", "branch on %(conditions)s", "split %(shares)s", "go to %(flow)s"),
    *("wait for %(what)s of %(of)s, at most %(time)s", "wait for %(what)s, at most %(time)s"),
    *("wait until the send window opens", "wait %(time)s until the send window opens"),
    *("wait until %(moment)s", "wait %(time)s"),
    *("add to audience %(name)s", "remove from audience %(name)s"),
    *("task for %(team)s: %(kind)s, %(title)s", "hand over to %(team)s: %(reason)s"),
    *("hand over: %(reason)s", "set %(name)s to %(value)s", "tell %(endpoint)s"),
    *("tag %(tag)s", "untag %(tag)s", "end (%(reason)s)"),
)
"""What a step does, as nurture.playbook.wording says it."""
_TIMES = (
    *("%(num)s business days", "%(num)s business hours"),
    *("%(num)s weeks", "%(num)s days", "%(num)s hours", "%(num)s minutes", "%(num)s seconds"),
    *("%(time)s before %(moment)s", "%(time)s after %(moment)s"),
)

_BLANK = re.compile(r"%\((\w+)\)s")
_AS_WRITTEN = ("text", "who", "other")
"""Blanks whose content is nobody's to translate."""
_SETTINGS = ("setting", "new")
"""Blanks for a setting of a flow: what a playbook says, or that it says nothing."""
_DOES = ("does", "will_do")
"""Blanks for what a step does."""

_PLACE = re.compile(r"([a-z_]+): (.+)")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\S+)(?: (.*))?")


def told(words: Words, text: str) -> str:
    """The sentence, or the key, in the language of `words`; as it is where somebody wrote it."""
    return label(words, text) if _is_key(text) else _sentence(words, text)


def _sentence(words: Words, text: str) -> str:
    if moment := _MOMENT.fullmatch(text):
        at, rest = moment.groups(default="")
        return f"{words.moment(datetime.fromisoformat(at))} {_sentence(words, rest)}".strip()
    if (known := words.gettext(text)) != text:
        return known
    if found := _filled(words, text, blank_first=False):
        return found
    if place := _PLACE.fullmatch(text):
        name, problem = place.groups()
        if (rest := _sentence(words, problem)) != problem:
            return f"{label(words, name)}: {rest}"
    return _filled(words, text, blank_first=True) or _key(words, text)


def _is_key(text: str) -> bool:
    joined = "_" in text and " " not in text
    return joined or text.replace("-", " ").capitalize() in KEYS


def label(words: Words, key: str) -> str:
    """A key as words: order_completed becomes Order completed, in the reader's language if it has it."""
    return words.gettext(key.replace("_", " ").replace("-", " ").capitalize())


def put(words: Words, text: str, made: Patterns, fill: Callable[[str, str], str]) -> str:
    """`text` by the first of the sentences that fits, each of its blanks filled by what `fill` makes of its name and
    content; "" where none fits."""
    for shape, sentence in made:
        if found := shape.fullmatch(text):
            blanks = {name: fill(name, value) for name, value in found.groupdict().items()}
            return words.gettext(sentence) % blanks
    return ""


def _filled(words: Words, text: str, blank_first: bool) -> str:
    """By our sentences. One that begins with a blank fits nearly anything."""

    def fill(name: str, value: str) -> str:
        if name in _SETTINGS:
            return words.gettext(value) if value in ("none", "yes", "no") else value
        if name in _DOES:
            return _step(words, value)
        return value if name in _AS_WRITTEN else _parts(words, value)

    return put(words, text, _made(blank_first), fill)


def _step(words: Words, text: str) -> str:
    """What a step does: of its parts only times, touches and kinds of tasks are ours."""

    def fill(name: str, value: str) -> str:
        match name:
            case "time" | "moment":
                return put(words, value, _times(), fill) or words.gettext(value)
            case "what" | "kind":
                return key_words(value, words.gettext)
            case _:
                return value

    return put(words, text, _steps(), fill) or words.gettext(text)


def _parts(words: Words, text: str) -> str:
    """What fills a blank: a sentence in itself, or keys such as `call, meeting`. What stands in quotes is a name."""
    known = _sentence(words, text)
    if known != text or "“" in text:
        return known
    return ", ".join(_key(words, part) for part in text.split(", "))


def _key(words: Words, text: str) -> str:
    """A key in the middle of a sentence, where it is one that has words."""
    known = label(words, text) if _is_key(text) else text
    return known[:1].lower() + known[1:] if text[:1].islower() else known


@cache
def _made(blank_first: bool) -> Patterns:
    these = [each for each in SENTENCES if each.startswith("%(") == blank_first]
    return patterns(these, {"number": r"\d+"})


@cache
def _steps() -> Patterns:
    return patterns(_STEPS)


@cache
def _times() -> Patterns:
    return patterns(_TIMES)


def patterns(sentences: Iterable[str], blanks: Mapping[str, str] | None = None) -> Patterns:
    """`blanks`: what may stand in those of these names, as a pattern; else it may be anything."""
    return [
        (re.compile("".join(_pieces(each, blanks or {})), re.DOTALL), each) for each in sentences
    ]


def _pieces(sentence: str, blanks: Mapping[str, str]) -> Iterator[str]:
    for position, piece in enumerate(_BLANK.split(sentence)):
        if position % 2:
            yield rf"(?P<{piece}>{blanks.get(piece, '.+?')})"
        else:
            yield re.escape(piece)
