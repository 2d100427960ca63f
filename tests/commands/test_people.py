import random
from collections import Counter
from pathlib import Path

from commands.csv_rows import Row, read
from commands.demo.leads import COLUMNS, Lead, lead
from commands.demo.readers import CLICK, OPEN, UNSUBSCRIBE, doings
from commands.demo.sales_floor import answers

EXAMPLE = Path(__file__).parents[2] / "examples" / "education-leads.csv"


def example() -> list[Lead]:
    return [lead(row.values) for row in read(EXAMPLE, COLUMNS)[1] if isinstance(row, Row)]


def said(one: Lead) -> list[str]:
    return [each.form["state"] for each in answers(one, random.Random(one.number))]


def test_only_customers_of_the_list_are_won_and_they_are_never_rejected_or_lost() -> None:
    for one in example():
        states = said(one)
        assert states in (
            [["accepted", "contacted", "won"], []]
            if one.converted
            else [["accepted", "contacted", "lost"], ["rejected"], []]
        )


def test_most_promises_are_kept_some_are_late_and_some_forgotten() -> None:
    given = [answers(one, random.Random(one.number)) for one in example()]
    calls = [each.at for one in given for each in one if each.form["state"] == "contacted"]
    late = sum(at > 1 for at in calls)
    forgotten = sum(not one for one in given)
    assert 0.6 < (len(calls) - late) / len(calls) < 0.95
    assert 10 < forgotten < 80


def test_an_order_is_worth_about_forty_thousand() -> None:
    amounts = [
        int(each.form["amount"])
        for one in example()
        for each in answers(one, random.Random(one.number))
        if each.form["state"] == "won"
    ]
    assert 37_000 < sum(amounts) / len(amounts) < 43_000


def test_answers_come_in_order() -> None:
    for one in example():
        moments = [each.at + each.days for each in answers(one, random.Random(one.number))]
        assert moments == sorted(moments)


def test_readers_do_what_the_list_says_of_them() -> None:
    done: dict[str, Counter[str]] = {}
    for one in example():
        known = done.setdefault(one.values["Last Activity"], Counter())
        known.update(doing.what for doing in doings(one, random.Random(one.number)))
    assert done["Email Opened"][OPEN] > done["Email Opened"][CLICK] > 0
    assert done["Email Link Clicked"][CLICK] > 0
    assert done["Unsubscribed"][UNSUBSCRIBE] > 0


def test_nobody_reads_a_mail_the_moment_it_arrives() -> None:
    for one in example():
        moments = [doing.days for doing in doings(one, random.Random(one.number))]
        assert moments == sorted(moments)
        assert all(moment >= 0.2 for moment in moments)
