"""Checked models -> the core's objects, for every file but flows and agreement. Nothing here can go wrong."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

from nurture.domain import audience, lifecycle, persona, scoring
from nurture.domain import watch as watching
from nurture.domain.allowance import Allowance, WarmUp
from nurture.domain.calendar import ALWAYS, Calendar, no_holidays
from nurture.domain.gate import SOFT_BOUNCES, FrequencyCap
from nurture.domain.reporting import ReportPlan
from nurture.playbook import (
    Company,
    Form,
    LinkRules,
    Retention,
    Sender,
    Subscription,
    form_schema,
    schema,
)
from nurture.playbook.durations import Durations
from nurture.ports import SMTP_ACCOUNT, Dkim, MailAccount


def company(model: schema.Company) -> Company:
    return Company(
        name=model.name,
        address=model.address.strip(),
        contact=model.contact,
        languages=tuple(dict.fromkeys(model.languages)),
    )


def retention(model: schema.Company) -> Retention:
    kept = model.retention
    if kept is None:
        return Retention()
    return Retention(kept.touches, kept.visitors, kept.unconfirmed, kept.quarantine, kept.feedback)


def business_hours(model: schema.BusinessHours, durations: Durations) -> Calendar:
    """When the company works; always, under a pace."""
    if durations.compressed:
        return ALWAYS
    opens, closes = model.hours
    holiday = model.holidays or no_holidays
    return Calendar(model.days, opens, closes, model.timezone, holiday)


def stages(models: Mapping[str, schema.Stage]) -> lifecycle.Lifecycle:
    return lifecycle.Lifecycle(
        tuple(
            lifecycle.Stage(
                id=id_,
                title=model.title,
                when=model.when,
                by=frozenset(model.by) if model.by else lifecycle.ROLES,
                after=frozenset(model.after) if model.after else None,
                back=_back(model.back) if model.back else None,
            )
            for id_, model in models.items()
        )
    )


def _back(model: schema.Back) -> lifecycle.Back:
    by = frozenset(model.by) if model.by else lifecycle.OUTSIDE
    return lifecycle.Back(tuple(model.to), by, model.when, (model.reason or "").strip())


def personas(models: Mapping[str, schema.Persona]) -> tuple[persona.Persona, ...]:
    return tuple(
        persona.Persona(
            id=id_,
            title=model.title,
            when=model.when,
            signs=tuple(persona.Sign(sign.points, sign.when) for sign in model.signs),
            at_least=model.at_least or 1,
        )
        for id_, model in models.items()
    )


def scores(model: schema.Scoring | None) -> scoring.Scoring:
    if model is None:
        return scoring.Scoring()
    return scoring.Scoring(
        fit=tuple(
            scoring.FitRule(id_, rule.points, rule.when, rule.title or "")
            for id_, rule in model.fit.items()
        ),
        engagement=tuple(
            scoring.EngagementRule(
                id=id_,
                points=rule.points,
                touch=rule.touch,
                where=rule.where,
                cap=rule.cap,
                lasts=rule.lasts,
                title=rule.title or "",
                group=rule.group,
                half_life=rule.half_life,
            )
            for id_, rule in model.engagement.items()
        ),
        groups=dict(model.groups),
        grades=_grades(model.grades) if model.grades else None,
    )


def _grades(model: schema.Grades) -> scoring.Grades:
    a, b, c = model.fit
    one, two, three = model.engagement
    return scoring.Grades((a, b, c), (one, two, three))


def audiences(models: Mapping[str, schema.Audience]) -> dict[str, audience.Audience]:
    return {
        id_: audience.Audience(
            id=id_,
            title=model.title,
            platform=model.platform,
            external_id=model.external_id,
            when=model.when,
            purpose=model.purpose,
            max_stay=model.max_stay,
            refresh=model.refresh,
            minimum=model.minimum or 0,
        )
        for id_, model in models.items()
    }


def senders(model: schema.Senders, durations: Durations) -> dict[str, Sender]:
    return {id_: _sender(id_, each, durations) for id_, each in model.senders.items()}


def _warm_up(ramp: schema.WarmUp) -> WarmUp:
    since = ramp.since if ramp.since.tzinfo else ramp.since.replace(tzinfo=UTC)
    return WarmUp(since, ramp.first, ramp.doubles_every, ramp.until)


def _sender(id_: str, model: schema.Sender, durations: Durations) -> Sender:
    warm_up, dkim = _warm_up(model.warm_up) if model.warm_up else None, model.dkim
    return Sender(
        id=id_,
        name=model.name,
        address=model.address,
        reply_to=model.reply_to,
        rate=model.rate,
        through=tuple(model.through or [SMTP_ACCOUNT.id]),
        allowance=Allowance(model.a_day, warm_up, durations.day),
        return_path=model.return_path,
        dkim=Dkim(dkim.domain, dkim.selector) if dkim else None,
    )


def accounts(model: schema.Senders) -> dict[str, MailAccount]:
    return {
        id_: MailAccount(
            id=id_,
            provider=account.provider,
            domain=account.domain or "",
            region=account.region or "",
            stream=account.stream or "",
            connections=account.connections or SMTP_ACCOUNT.connections,
            per_domain=account.per_domain,
        )
        for id_, account in model.accounts.items()
    }


def link_rules(model: schema.Senders) -> LinkRules:
    rules = model.links
    if rules is None:
        return LinkRules()
    own = LinkRules(tuple(rules.own), untracked=tuple(rules.untracked))
    return own if rules.tags is None else replace(own, tags=dict(rules.tags))


def cap(model: schema.Senders) -> FrequencyCap | None:
    return FrequencyCap(model.cap.mails, model.cap.within) if model.cap else None


def soft_bounces(model: schema.Senders) -> int:
    return model.soft_bounces or SOFT_BOUNCES


def watch(model: schema.Senders, durations: Durations) -> watching.Limits:
    """What is not said is as the large mailbox providers have it."""
    said, usual = model.watch or schema.Watch.model_construct(), watching.Limits()

    def rate(told: schema.Rate | None, otherwise: watching.Rate) -> watching.Rate:
        return watching.Rate(told.warn, told.pause) if told else otherwise

    return watching.Limits(
        within=said.within or durations.scale(usual.within),
        at_least=said.at_least or usual.at_least,
        complaints=rate(said.complaints, usual.complaints),
        bounces=rate(said.bounces, usual.bounces),
    )


def subscriptions(models: Mapping[str, schema.Subscription]) -> dict[str, Subscription]:
    return {
        id_: Subscription(id_, _plain(model.title), _plain(model.about))
        for id_, model in models.items()
    }


def _plain(texts: Mapping[Any, str]) -> dict[str, str]:
    return {str(language): text for language, text in texts.items()}


def reports(models: Mapping[str, schema.Report]) -> dict[str, ReportPlan]:
    return {
        id_: ReportPlan(
            id=id_,
            title=model.title,
            every=model.every,
            at=model.at,
            to=tuple(model.to),
            webhooks=tuple(model.webhooks),
            language=model.language,
        )
        for id_, model in models.items()
    }


def forms(models: Mapping[str, form_schema.Form]) -> dict[str, Form]:
    return {
        id_: Form(
            id=id_,
            fields=dict(model.fields),
            consent=dict(model.consent),
            wording=_beside(model),
            honeypot=model.honeypot,
            redirect=model.redirect,
            double_opt_in=model.double_opt_in,
        )
        for id_, model in models.items()
    }


def _beside(form: form_schema.Form) -> dict[str, str]:
    """The text beside each box. One for all stands beside each."""
    if isinstance(form.wording, dict):
        return {box: text.strip() for box, text in form.wording.items()}
    return dict.fromkeys(form.consent, (form.wording or "").strip())
