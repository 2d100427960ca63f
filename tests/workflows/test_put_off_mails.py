"""A recipient's side asks for patience: for how long, and what the mail counts for after that; on both databases."""

from datetime import UTC, datetime

import pytest
from temporalio.exceptions import ApplicationError

from nurture.domain.errors import Deferred, Transient, Unknown
from nurture.ports import MailAccount
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, MessageRow
from tests.support.domain import DAY, HOUR
from tests.support.looks import Looks
from tests.support.mails import mail, sent
from tests.support.small import FLOW, LAUNCH, SENDERS, SMALL
from tests.support.temporal import Postbox

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
LATER = Deferred("refused_for_now", "450 4.7.1 greylisted")
DOWN = Transient("no_connection")
ONE_A_DAY = SMALL[SENDERS].replace("x@x.example", "x@x.example, a_day: 1")
OTHER = FLOW.replace("flow: launch", "flow: other").replace(
    "  - email", "  - wait: 6 days\n  - email"
)


@pytest.fixture
async def looks(db: Database) -> Looks:
    looks = Looks(db)
    await looks.apply({LAUNCH: FLOW}, NOW)
    return looks


async def _waits(looks: Looks, run: EnrolmentRow, now: datetime) -> None:
    with pytest.raises(ApplicationError, match="mail not taken"):
        await looks.look(run, now)


async def _lost(looks: Looks) -> str:
    """Its id."""
    [row] = await looks.world.mails.list("unknown")
    return str(row["id"])


async def _mail(looks: Looks) -> MessageRow:
    [row] = await looks.world.rows(MessageRow)
    assert isinstance(row, MessageRow)
    return row


async def test_a_mail_that_was_settled_as_not_sent_has_its_days_anew(looks: Looks) -> None:
    looks.box.errors = [LATER, RuntimeError("as if the process were gone"), LATER]
    run = await looks.enter(NOW)
    await _waits(looks, run, NOW)
    with pytest.raises(RuntimeError):
        await looks.look(run, NOW + HOUR)
    await looks.look(run, NOW + 2 * HOUR)
    await looks.world.mails.settle([(await _mail(looks)).id], False, "ida", NOW + 6 * DAY)
    await _waits(looks, run, NOW + 6 * DAY)
    await looks.look(run, NOW + 6 * DAY + HOUR)
    assert (await _mail(looks)).state == "accepted"


async def test_one_that_did_not_go_out_waits_for_the_share_of_a_day(looks: Looks) -> None:
    looks.box.errors = [Unknown("connection_lost")]
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await sent(looks.world, "other", "bo@example.org", NOW + DAY, sender="us")
    await looks.apply({LAUNCH: FLOW, SENDERS: ONE_A_DAY}, NOW)
    await looks.world.mails.settle([await _lost(looks)], False, "ida", NOW + DAY)
    midnight = (NOW + 2 * DAY).replace(hour=0)
    assert (await looks.look(run, NOW + DAY)).wake_at == midnight.timestamp()
    await looks.look(run, midnight)
    assert looks.box.subjects == ["Hello"]


async def test_one_that_did_not_go_out_waits_for_its_sender_and_at_last_is_refused(
    looks: Looks,
) -> None:
    looks.box.errors = [Unknown("connection_lost")]
    run = await looks.enter(NOW)
    assert (await looks.look(run, NOW)).done
    await looks.world.watch.pause("us", "complaints", "ida", NOW)
    lost = await _lost(looks)
    await looks.world.mails.settle([lost], False, "ida", NOW + 40 * DAY)
    held = await looks.look(run, NOW + 40 * DAY)
    assert (held.wake_at, held.done) == ((NOW + 41 * DAY).timestamp(), False)
    assert (await mail(looks.world, lost)).state == "planned"
    assert (await looks.look(run, NOW + 70 * DAY)).done
    row = await mail(looks.world, lost)
    assert (row.state, row.reason, looks.box.got) == ("refused", "sender_paused", [])


async def test_while_one_waits_to_go_out_once_more_its_lead_goes_on(looks: Looks) -> None:
    looks.box.errors = [Unknown("connection_lost")]
    await looks.apply({LAUNCH: FLOW + "  - wait: 6 days\n  - email: second\n"}, NOW)
    run = await looks.enter(NOW)
    goes_on = await looks.look(run, NOW)
    await looks.world.watch.pause("us", "complaints", "ida", NOW)
    lost = await _lost(looks)
    await looks.world.mails.settle([lost], False, "ida", NOW + HOUR)
    assert (await looks.look(run, NOW + HOUR)).wake_at == (NOW + DAY + HOUR).timestamp()
    assert (await looks.look(run, NOW + 5.5 * DAY)).wake_at == goes_on.wake_at
    await looks.world.watch.resume("us", "ida", NOW + 6 * DAY)
    await looks.look(run, NOW + 6 * DAY)
    await looks.look(run, NOW + 6 * DAY)
    assert looks.box.subjects == ["Hello", "Second"]


async def test_nor_do_the_days_count_that_a_mail_waited_for_something_else(looks: Looks) -> None:
    """An account that is down says nothing of its recipient."""
    looks.box.errors = [DOWN, LATER]
    run = await looks.enter(NOW)
    await _waits(looks, run, NOW)
    await _waits(looks, run, NOW + 6 * DAY)
    await looks.look(run, NOW + 6 * DAY + HOUR)
    assert (await _mail(looks)).state == "accepted"


class _Two(Postbox):
    """The first account's mails are put off, the second one takes none."""

    def of(self, account: MailAccount) -> Postbox:
        box = Postbox()
        box.errors = [LATER if account.id == "post" else DOWN]
        return box


async def test_a_mail_comes_back_though_the_last_account_fails_for_another_reason(
    db: Database,
) -> None:
    looks = Looks(db, box=_Two())
    senders = """\
default: us
accounts: {post: {provider: smtp}, spare: {provider: postmark}}
senders: {us: {name: X, address: x@x.example, through: [post, spare]}}
"""
    await looks.apply({LAUNCH: FLOW, SENDERS: senders}, NOW)
    run = await looks.enter(NOW)
    await _waits(looks, run, NOW)
    await _waits(looks, run, NOW + 4 * DAY)
    assert (await looks.look(run, NOW + 5 * DAY)).done
    row = await _mail(looks)
    assert (row.state, row.bounce, row.account) == ("bounced", "soft", "spare")


async def test_a_mail_that_nobody_ever_took_leaves_its_place_under_the_cap_to_another(
    looks: Looks,
) -> None:
    cap = SMALL[SENDERS] + "cap: {mails: 1, within: 2 days}\n"
    files = {LAUNCH: FLOW, "config/flows/other.yaml": OTHER, SENDERS: cap}
    await looks.apply(files, NOW)
    looks.box.errors = [LATER, LATER]
    launch, other = await looks.enter_all(NOW)
    await looks.look(other, NOW)
    await _waits(looks, launch, NOW)
    await looks.look(launch, NOW + 5 * DAY)
    row = await _mail(looks)
    assert (row.state, row.bounce, row.sent_at) == ("bounced", "soft", None)
    assert (await looks.lead()).soft_bounces == 1
    await looks.look(other, NOW + 6 * DAY)
    assert looks.box.subjects == ["Hello"]
