"""The platform's list follows the desired one, through refusals and outages."""

from nurture.domain.errors import Transient
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.tables import EnrolmentRow
from tests.support.both import ON_BOTH
from tests.support.domain import DAY, HOUR
from tests.support.temporal import Stage

HESITATED = 8 * DAY
"""When the welcome flow's wait for a click has ended without one."""


async def test_who_hesitates_is_put_on_the_list(stage: Stage) -> None:
    lead = await stage.tell("form_submitted")
    await stage.pass_time(HESITATED)
    assert stage.ads.members == {lead.id}


@ON_BOTH
async def test_many_go_out_in_batches_the_platform_allows(stage: Stage) -> None:
    for n in range(5):
        await stage.tell("form_submitted", email=f"lead-{n}@example.org")
    await stage.pass_time(HESITATED)
    assert len(stage.ads.members) == 5
    assert all(len(people) <= stage.ads.batch_size for _, people in stage.ads.got)


@ON_BOTH
async def test_a_withdrawn_consent_takes_the_lead_off_the_list(stage: Stage) -> None:
    lead = await stage.tell("form_submitted")
    await stage.pass_time(HESITATED)
    await stage.world.intake.withdraw(lead.id, "ad_audiences", "page", await stage.now())
    await stage.pass_time(HOUR)
    assert stage.ads.members == set()


async def test_without_consent_nobody_is_ever_named_to_the_platform(stage: Stage) -> None:
    await stage.tell("form_submitted", consents=("email_marketing",))
    await stage.pass_time(HESITATED)
    assert stage.ads.got == []


async def test_a_throttled_platform_is_asked_again_when_it_allows(stage: Stage) -> None:
    stage.ads.errors = [Transient("throttled", retry_after=6 * HOUR)] * 2
    lead = await stage.tell("form_submitted")
    await stage.pass_time(HESITATED + DAY)
    assert stage.ads.members == {lead.id}


async def test_a_refused_member_is_owed_with_the_platforms_reason(stage: Stage) -> None:
    lead = await stage.tell("form_submitted")
    stage.ads.refuses = {lead.id: "invalid e-mail"}
    await stage.pass_time(HESITATED)
    [row] = await stage.world.rows(AudienceMemberRow)
    assert (row.desired, row.confirmed, row.error) == (True, False, "invalid e-mail")


async def test_a_stay_that_is_over_ends_by_itself(stage: Stage) -> None:
    await stage.tell("form_submitted")
    await stage.pass_time(HESITATED)
    assert len(stage.ads.members) == 1
    await stage.pass_time(61 * DAY)
    assert stage.ads.members == set()
    assert (await stage.world.rows(EnrolmentRow))[0].ended == "finished"
