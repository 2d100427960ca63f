"""What `nurture check` says of a mail, word for word: the messages that no other test holds in full."""

import pytest

from nurture.delivery.email.checking import check_templates

TRAITS = {"country": "text", "first_name": "text"}
SHELL = """<mjml><mj-body><mj-section><mj-column>
%s
<mj-text><a href="{{ unsubscribe_url }}">No more</a></mj-text></mj-column></mj-section></mj-body></mjml>
"""
ROOMLESS = "<mjml>{{ unsubscribe_url }}<mj-body></mj-body></mjml>"
DANISH = "<mjml lang='da'><mj-body><mj-raw>{{ unsubscribe_url }}</mj-raw></mj-body></mjml>"


def said(body: str = SHELL % "", subject: str = "Hello", **more: str) -> list[str]:
    files = {"email/w/subject.txt": subject, "email/w/body.mjml": body}
    files |= {f"email/{path}": text for path, text in more.items()}
    return [str(finding) for finding in check_templates(files, TRAITS)]


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        (
            SHELL % '<mj-button href="https://x.example/{{ lead.country }}">x</mj-button>',
            "2:12: a link holds something of the lead; "
            "personal data in addresses ends up in logs; the click already says who it was",
        ),
        (
            "<mjml><mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>"
            "</mj-body></mjml>",
            "1:1: there is no link to unsubscribe; use {{ unsubscribe_url }}",
        ),
        (
            SHELL % "<mj-text>a&nbsp;b</mj-text>",
            "2:11: undefined entity; write it as a number, &#160; for &nbsp;",
        ),
        (
            "<mj-body></mj-body> {{ unsubscribe_url }}",
            "1:1: this is not MJML: unexpected token in root template at position 0:8",
        ),
        (
            ROOMLESS,
            "1:1: MJML has no place for {{ unsubscribe_url }} here; put it into <mj-raw>",
        ),
        (
            SHELL % '<mj-text><p style="color red">x</p></mj-text>',
            '1:1: a style cannot be read: Unexpected token: Ident("red")',
        ),
        (
            DANISH,
            '1:13: this says lang="da", but the file is en by its name; '
            "leave lang out; it is filled in",
        ),
    ],
)
def test_a_body_is_told_what_is_wrong_with_it(body: str, finding: str) -> None:
    assert said(body) == [f"templates/email/w/body.mjml:{finding}"]


def test_a_subject_that_is_nothing_without_a_trait_is_found() -> None:
    assert said(subject="{{ lead.first_name }}") == [
        "templates/email/w/subject.txt:1:1: empty for a lead that says nothing; "
        "say something that needs no trait"
    ]


def test_a_shared_part_that_includes_itself_is_found() -> None:
    part = '<mj-include path="_layout/a.mjml" />'
    assert said(SHELL % part, **{"_layout/a.mjml": part}) == [
        "templates/email/_layout/a.mjml:1:1: this file includes itself"
    ]


def test_a_file_that_no_mail_has_is_found() -> None:
    assert said(**{"w/footer.html": "x"}) == [
        "templates/email/w/footer.html:1:1: no mail has such a file; "
        "known: subject.txt, body.mjml, body.html, body.txt; "
        "before the ending may stand a language of config/company.yaml and a persona"
    ]
