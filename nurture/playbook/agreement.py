"""config/sla.yaml -> the core's objects: both promises, the teams and the terms of a handover."""

from datetime import datetime, timedelta, tzinfo

from nurture.domain import owners, sla
from nurture.domain.calendar import Calendar, Span
from nurture.playbook import SNOOZE_AT_MOST, SNOOZE_REASONS, HandoverRule, parts, schema
from nurture.playbook.durations import Durations


def clock(model: schema.Sla, company: Calendar, durations: Durations) -> Calendar:
    """The agreement's own hours, else the company's."""
    own = model.contact.clock
    return parts.business_hours(own, durations) if own else company


def teams(model: schema.Sla, calendar: Calendar, durations: Durations) -> dict[str, sla.Team]:
    """`calendar`: the clock of those who have no hours of their own."""
    return {
        id_: sla.Team(
            id_,
            team.title,
            tuple(team.owners),
            tuple(_person(name, each, calendar, durations) for name, each in team.people.items()),
            tuple(_assignment(rule) for rule in team.rules),
        )
        for id_, team in model.teams.items()
    }


def handover(model: schema.Sla, calendar: Calendar, team: sla.Team) -> HandoverRule:
    rule, pauses = model.handover, model.contact.pauses
    return HandoverRule(
        team=team,
        terms=_terms(model.contact, calendar),
        stage=rule.at_stage,
        sql_stage=rule.sql_stage,
        customer_stage=rule.customer_stage,
        reject_reasons=tuple(rule.reject_reasons),
        back_stage=rule.back_to,
        cool_off=rule.cool_off,
        conversation_holds=rule.conversation_holds or timedelta(),
        snooze_reasons=tuple(pauses.snooze) if pauses else SNOOZE_REASONS,
        snooze_at_most=pauses.at_most if pauses else SNOOZE_AT_MOST,
        absence_pauses=pauses is None or pauses.owner_absent,
    )


def promise(model: schema.Sla) -> sla.Promise:
    return sla.Promise(
        sqls=model.marketing.sqls,
        customers=model.sales.customers,
        average_revenue=model.sales.average_revenue,
        currency=model.sales.currency,
        period=model.every,
        personas=dict(model.marketing.personas),
    )


def _terms(contact: schema.Contact, calendar: Calendar) -> sla.Terms:
    return sla.Terms(
        contact_within=contact.within,
        calendar=calendar,
        remind_at=tuple(contact.remind_at),
        escalations=tuple(
            sla.Escalation(step.to, step.after or Span()) for step in contact.escalate
        ),
        reassign_after=contact.reassign_after,
        recycle_after=contact.recycle_after,
        recycle_to=contact.recycle_to,
        accept_within=contact.accept_within,
        contacted=tuple(contact.contacted or sla.EVIDENCE),
        outcome_within=contact.outcome_within,
    )


def _assignment(rule: schema.Assignment) -> owners.Assignment:
    return owners.Assignment(
        tuple(rule.owners),
        rule.when,
        frozenset(rule.persona),
        frozenset(rule.country),
        frozenset(rule.product),
    )


def _person(
    name: str, known: schema.Person, calendar: Calendar, durations: Durations
) -> owners.Owner:
    own = parts.business_hours(known.hours, durations) if known.hours else None
    zone = known.hours.timezone if known.hours else calendar.zone
    absent = tuple(
        owners.Absence(_moment(away.since, zone), _moment(away.back, zone)) for away in known.absent
    )
    return owners.Owner(name, known.weight, known.capacity, absent, own)


def _moment(told: datetime, zone: tzinfo) -> datetime:
    return told if told.tzinfo else told.replace(tzinfo=zone)
