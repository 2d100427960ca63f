"""What the demo says of itself when it is over."""

from commands.demo.playing import LAG, Outcome


def test_a_machine_that_was_too_slow_for_the_pace_says_so_and_what_helps() -> None:
    told = Outcome({}, [], behind=LAG + 3).lag
    assert "9 days of the playbook behind" in told
    assert "--pace" in told


def test_a_machine_that_kept_up_says_nothing_of_it() -> None:
    assert Outcome({}, [], behind=LAG).lag == ""
