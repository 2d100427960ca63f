"""Sentences that the product made, in the reader's language.

They are kept, logged and told to programs in English, with what they are about filled in. A page takes them apart by
how they were made, and puts them together in its own language. What a person or a playbook wrote was made like none of
these, and stays as it is.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache

from nurture.web.i18n import Words, later
from nurture.web.vocabulary import KEYS

SENTENCES = (
    # why a lead is with sales, and how that ended
    later("reached the stage %(stage)s with %(number)s points"),
    later("nobody contacted the lead in time"),
    later("not done in time"),
    later("sales told no outcome in time"),
    later("meeting booked"),
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
    later("flow %(what)s: %(change)s"),
    later("new, with %(number)s steps"),
    later("the way through its steps changes"),
    later("removed"),
    later("renamed from %(text)s"),
    later("step %(text)s deleted (%(does)s)"),
    later("step %(text)s inserted (%(does)s)"),
    later("step %(text)s: %(does)s → %(other)s"),
    later("step %(text)s is now called %(other)s"),
    later("step %(text)s moved"),
    later("who enters changes"),
    later("mail %(text)s: new words, for mails not sent yet"),
    later("added %(text)s"),
    later("removed %(text)s"),
    later("changed %(text)s"),
)
"""The first that fits is taken. `%(number)s` stands for digits only."""

_BLANK = re.compile(r"%\((\w+)\)s")
_AS_WRITTEN = ("text", "who", "does", "other")
"""Blanks whose content is nobody's to translate."""

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


def _filled(words: Words, text: str, blank_first: bool) -> str:
    """The first of the sentences that fits; "" if none does. One that begins with a blank fits nearly anything."""
    for made, sentence in _made(blank_first):
        if found := made.fullmatch(text):
            return words.gettext(sentence) % {
                name: value if name in _AS_WRITTEN else _parts(words, value)
                for name, value in found.groupdict().items()
            }
    return ""


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
def _made(blank_first: bool) -> list[tuple[re.Pattern[str], str]]:
    these = [each for each in SENTENCES if each.startswith("%(") == blank_first]
    return [(_pattern(each), each) for each in these]


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile("".join(_pieces(sentence)), re.DOTALL)


def _pieces(sentence: str) -> Iterator[str]:
    for position, piece in enumerate(_BLANK.split(sentence)):
        if position % 2:
            yield rf"(?P<{piece}>\d+)" if piece == "number" else rf"(?P<{piece}>.+?)"
        else:
            yield re.escape(piece)
