"""What a sleeping enrolment or condition listens to. A change that nobody listens to wakes nobody."""

STAGE = "stage"
PERSONA = "persona"
SCORE = "score"
LEAD = "lead"
CONSENT = "consent"
SALES = "sales"
CASES = "cases"
CLOCK = "clock"


def touch(name: str) -> str:
    return f"touch:{name}"
