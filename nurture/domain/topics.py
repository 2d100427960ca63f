"""What a sleeping enrolment or condition listens to. A change that nobody listens to wakes nobody."""

STAGE = "stage"
PERSONA = "persona"
SCORE = "score"
LEAD = "lead"
CONSENT = "consent"
SALES = "sales"
CASES = "cases"
CLOCK = "clock"


_TOUCH = "touch:"


def touch(name: str) -> str:
    return f"{_TOUCH}{name}"


def is_touch(topic: str) -> bool:
    return topic.startswith(_TOUCH)
