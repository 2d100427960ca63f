"""The shape of config/forms.yaml."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from nurture.playbook import fields as f
from nurture.playbook.schema import Purpose

Wording = Annotated[
    Annotated[f.Text, Tag("<text>")] | Annotated[dict[f.Text, f.Text], Tag("<mapping>")],
    Discriminator(f.written_out),
]
"""The text beside all boxes, or beside each."""


class Form(f.Model):
    fields: Annotated[dict[f.Text, f.FormTarget], Field(min_length=1)]
    consent: dict[f.Text, Purpose] = Field(default_factory=dict)
    wording: Wording | None = None
    honeypot: f.Text | None = None
    redirect: f.Text | None = None
    double_opt_in: bool = False


Forms = dict[f.Slug, Form]
