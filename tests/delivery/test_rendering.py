import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from nurture.delivery.email.plaintext import as_text
from nurture.domain.errors import InputError
from nurture.domain.lead import Lead
from nurture.playbook import LinkRules
from nurture.ports import Mail
from nurture.tokens import CLICK, OPEN, UNSUBSCRIBE
from tests.support.mail import BASE, FOOTER, LEAD, SENDER, TOKENS, render, renderer, templates

MJML = """<mjml lang="en">
  <mj-head><mj-preview>Before you open it, {{ lead.first_name }}</mj-preview></mj-head>
  <mj-body>
    {% if lead.city and "a" < "b" %}
    <mj-section><mj-column>
      <mj-text>From {{ lead.city }} &amp; beyond</mj-text>
      <mj-table>
        {% for number in range(2) %}<tr><td>row {{ number }}</td></tr>{% endfor %}
      </mj-table>
      <mj-button href="https://www.x-education.example/guide?a=1&amp;b=2#top">Guide</mj-button>
    </mj-column></mj-section>
    {% endif %}
    <mj-include path="_layout/footer.mjml" />
  </mj-body>
</mjml>
"""
PARTIAL = f"<mj-section><mj-column><mj-text>{FOOTER}</mj-text></mj-column></mj-section>"

LOOPS = "more than 30000 turns of loops and calls in one mail; make fewer"
LONG = "this makes more than 200000 characters; make it of less"
MUCH = "this makes more than 10000000 characters; make it of less"
SPENT = "one mail makes more than 20000000 characters; make shorter texts, or fewer"
EVER = "{{% for i in range(9999) %}}{{% if {} %}}{{% endif %}}{{% endfor %}}"
DOUBLED = (
    "{% set ns = namespace(a=(1,), b=(1,)) %}{% for i in range(40) %}"
    "{% set ns.a = (ns.a, ns.a) %}{% set ns.b = (ns.b, ns.b) %}{% endfor %}"
)
X = "{% set x = 'a' * 99999 %}"


def mjml(body: str = MJML) -> dict[str, str]:
    return {
        "email/t/subject.txt": "Hi",
        "email/t/body.mjml": body,
        "email/_layout/footer.mjml": PARTIAL,
    }


def links(html: str) -> list[str]:
    return [url.replace("&amp;", "&") for url in re.findall(r'<a[^>]*\shref="([^"]*)"', html)]


def token(url: str) -> str:
    return url.rpartition("/")[2]


def test_mjml_becomes_a_mail_of_full_width_with_its_parts_in_place() -> None:
    html = render(mjml()).html
    assert html.startswith("<!DOCTYPE html>")
    assert 'lang="en"' in html
    assert "mj-" not in re.sub(r"mj-(column|outlook|full)[\w-]*", "", html)
    assert html.count("max-width:600px") >= 2
    assert "From Århus &amp; beyond" in html
    table = html[html.index("row 0") :].partition("</table>")[0]
    assert (
        re.sub(r" style=\"[^\"]*\"|\s+", "", table)
        == "row0</td></tr><tr><td>row1</td></tr></tbody>"
    )


def test_what_stands_behind_a_false_condition_is_not_in_the_mail() -> None:
    html = render(mjml(), Lead("lead-1", "anna@firma.example")).html
    assert "beyond" not in html
    assert "Unsubscribe" in html


def test_the_preheader_comes_first_and_is_not_seen() -> None:
    html = render(mjml()).html
    preheader = html.index("Before you open it, Anna")
    assert preheader < html.index("From Århus")
    assert "display:none" in html[:preheader].rpartition("<div")[2]


def test_an_inbox_with_room_for_more_than_the_preheader_shows_blanks_instead_of_the_mail() -> None:
    mail = render(mjml())
    hidden = mail.html[mail.html.index("Before you open it, Anna") :].partition("</div>")[0]
    filled = unescape(hidden.removeprefix("Before you open it, Anna"))
    assert len(filled) > 200
    assert set(filled) == {"\u034f", "\u200c", "\xa0"}
    assert not {"\u034f", "\u200c"} & set(mail.text)


def test_styles_are_written_into_the_elements_and_nothing_is_fetched() -> None:
    body = (
        '<html><head><link rel="stylesheet" href="http://127.0.0.1:9/x.css">'
        "<style>p { color: red } @media (max-width: 400px) { p { color: blue } }</style></head>"
        f"<body><p>Hi</p>{FOOTER}</body></html>"
    )
    html = render(templates(body)).html
    assert re.search(r'<p style="color: ?red;?">', html)
    assert "@media (max-width: 400px)" in html


def test_a_value_cannot_become_markup() -> None:
    lead = Lead("lead-1", "a@x.example", {"city": '"><script>alert(1)</script>'})
    html = render(
        templates(f'<p title="{{{{ lead.city }}}}">{{{{ lead.city }}}}</p>{FOOTER}'), lead
    ).html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_subject_and_text_are_not_escaped_as_if_they_were_html() -> None:
    lead = Lead("lead-1", "a@x.example", {"city": "R&D <x>"})
    files = templates(FOOTER, subject="To {{ lead.city }}", body__txt="To {{ lead.city }}")
    mail = render(files, lead)
    assert mail.subject == "To R&D <x>"
    assert mail.text == "To R&D <x>"


def test_without_a_text_of_its_own_a_mail_gets_one_with_its_links_written_out() -> None:
    text = render(mjml()).text
    assert "From Århus & beyond" in text
    assert "[Guide](https://www.x-education.example/guide?a=1&b=2&utm_source=nurture" in text
    assert f"[Unsubscribe]({BASE}/u/" in text
    assert "\n\n\n" not in text
    assert "Before you open it" not in text


@pytest.mark.parametrize(
    ("traits", "name"),
    [
        ({}, ""),
        ({"first_name": None}, ""),
        ({"first_name": "  Anne  Marie "}, "Anne Marie"),
        ({"name": "Søren Ærø"}, "Søren"),
        ({"first_name": "Jean-Luc"}, "Jean-Luc"),
        ({"first_name": "O’Neill Jr."}, "O’Neill Jr."),
        ({"first_name": "अमित"}, "अमित"),
        ({"first_name": "ณัฐ"}, "ณัฐ"),
        ({"first_name": "Jose\u0301"}, "Jos\xe9"),
        ({"name": "علی\u200cرضا احمدی"}, "علی\u200cرضا"),
        ({"first_name": "\u0301Jose"}, ""),
        ({"first_name": "\u200d"}, ""),
        ({"first_name": "John 2\u0301"}, ""),
        ({"first_name": "Win money at www.bad.example"}, ""),
        ({"first_name": "bad.example"}, ""),
        ({"first_name": "http://bad.example"}, ""),
        ({"first_name": "x" * 41}, ""),
        ({"first_name": 42}, ""),
    ],
)
def test_a_lead_is_called_by_its_name_or_not_at_all(traits: dict[str, object], name: str) -> None:
    mail = render(
        templates(FOOTER, subject="({{ lead.first_name }})"), Lead("lead-1", "a@x.example", traits)
    )
    assert mail.subject == f"({name})"


@pytest.mark.parametrize(("stored", "read"), [(50.0, "50"), (50, "50"), ("50", "50"), (7.5, "7.5")])
def test_a_whole_number_is_read_as_one_however_it_was_told(stored: object, read: str) -> None:
    lead = Lead("lead-1", "a@x.example", {"city": stored})
    assert render(templates(FOOTER, subject="For {{ lead.city }}"), lead).subject == f"For {read}"


def test_a_declared_trait_that_is_missing_is_empty_and_an_unknown_one_an_error() -> None:
    assert render(templates(FOOTER, subject="[{{ lead.specialization }}]")).subject == "[]"
    with pytest.raises(InputError, match=r"there is no 'shoe_size'") as raised:
        render(templates(f"<p>\n{{{{ lead.shoe_size }}}}</p>{FOOTER}"))
    assert raised.value.place == "templates/email/t/body.html:2"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (MJML.replace("{{ lead.city }}", "{{ lead.town }}"), "templates/email/t/body.mjml:6"),
        (MJML.replace("{% endfor %}", "{% endfro %}"), "templates/email/t/body.mjml:8"),
        (MJML.replace("{{ number }}", "{{ number + 'x' }}"), "templates/email/t/body.mjml:8"),
        (MJML.replace("_layout/footer", "_layout/nothing"), "templates/email/t/body.mjml:13"),
        ("<mjml><mj-body>", "templates/email/t/body.mjml:1"),
    ],
)
def test_an_error_names_the_file_and_line_the_marketer_wrote(body: str, place: str) -> None:
    with pytest.raises(InputError) as raised:
        render(mjml(body))
    assert raised.value.place == place


def test_an_error_in_a_shared_part_names_that_part() -> None:
    files = mjml()
    files["email/_layout/footer.mjml"] = "\n" + PARTIAL.replace("unsubscribe_url", "unsubscribe")
    with pytest.raises(InputError) as raised:
        render(files)
    assert raised.value.place == "templates/email/_layout/footer.mjml:2"


def test_a_condition_may_stand_around_columns() -> None:
    body = MJML.replace("<mj-column>", "{% if lead.city %}<mj-column>", 1)
    body = body.replace("</mj-column>", "</mj-column>{% endif %}", 1)
    assert "beyond" in render(mjml(body)).html
    assert "beyond" not in render(mjml(body), Lead("lead-1", "a@x.example")).html


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<mj-preview>", "{% if lead.city %}{% endif %}<mj-preview>"),
        ("<mj-table>", "<mj-spacer>{{ lead.city }}</mj-spacer><mj-table>"),
    ],
)
def test_a_tag_that_mjml_has_no_place_for_is_an_error(before: str, after: str) -> None:
    with pytest.raises(InputError, match="put it into <mj-raw>") as raised:
        render(mjml(MJML.replace(before, after)))
    line = MJML[: MJML.index(before)].count("\n") + 1
    assert raised.value.place == f"templates/email/t/body.mjml:{line}"


def test_an_empty_subject_is_an_error() -> None:
    with pytest.raises(InputError, match="the subject is empty"):
        render(templates(FOOTER, subject="{{ lead.specialization }}"))


@pytest.mark.parametrize(
    ("subject", "arrives"),
    [
        ("\U0001f469\u200d\U0001f393 Your guide \u2764\ufe0f", None),
        ("می\u200cخواهم", None),
        ("\U0001fae9 Tired?", None),
        ("Hello\r\nBcc: all@x.example", "Hello Bcc: all@x.example"),
        ("Your\xa0guide\u2028is here\u202egnp\x00", "Your guide is here gnp"),
    ],
)
def test_a_subject_is_one_line_and_keeps_its_emoji(subject: str, arrives: str | None) -> None:
    assert render(templates(FOOTER, subject=subject)).subject == (arrives or subject)


@pytest.mark.parametrize("missing", ["email/t/subject.txt", "email/t/body.html"])
def test_a_template_without_its_files_is_an_error(missing: str) -> None:
    files = templates(FOOTER)
    del files[missing]
    with pytest.raises(InputError, match=r"subject\.txt and body\.mjml"):
        render(files)


@pytest.mark.parametrize(
    "attempt",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ lead.__class__.__init__.__globals__ }}",
        "{{ company.__dict__ }}",
        "{{ '{0.__class__.__mro__}'.format(lead) }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('id') }}",
        "{{ range(10 ** 9) | list }}",
        "{{ [].append(1) }}",
        "{% include '../config/company.yaml' %}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_cannot_reach_out_of_its_sandbox(attempt: str) -> None:
    with pytest.raises(InputError):
        render(templates(f"<p>{attempt}</p>{FOOTER}"))


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        ("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", LOOPS),
        (
            "{% macro m() %}{% for i in range(200) %}{% endfor %}{% endmacro %}"
            "{% for i in range(200) %}{{ m() }}{% endfor %}",
            LOOPS,
        ),
        ("{% for i in 'x' * 99999 %}{% for j in 'y' * 99999 %}{% endfor %}{% endfor %}", LOOPS),
        (
            "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
            LOOPS,
        ),
        (
            "{% for i in [1] recursive %}{% if loop.depth0 %}{% else %}{{ loop(range(99999)) }}"
            "{% endif %}{% endfor %}",
            LOOPS,
        ),
        ("{% set x = 'ab' %}" + "{% set x = x ~ x %}" * 40, LONG),
        ("{% set x = [1] %}" + "{% set x = x + x %}" * 40, LONG),
        ("{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x }}", LONG),
        ("{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x ~ 1 }}", LONG),
        ("{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x | string }}", LONG),
        (X + "{{ x | replace('a', x) }}", MUCH),
        (X + "{{ x.replace('a', x) }}", MUCH),
        (X + "{{ x | map('upper') | join(x) }}", MUCH),
        (X + "{{ ([x] * 99999) | join }}", LONG),
        (X + "{{ x.translate({97: x}) }}", MUCH),
        (X + "{{ ('{0}' * 30000).format(x) }}", MUCH),
        (X + "{{ '%s' * 30000 % ((x,) * 30000) }}", LONG),
        ("{{ ('\t' * 99999).expandtabs(99999) }}", MUCH),
        ("{{ ('a\n' * 49999) | indent(99999) }}", MUCH),
        ("{{ '{:999999999}'.format(1) }}", MUCH),
        ("{{ '{:\u0669\u0669\u0669\u0669\u0669\u0669\u0669\u0669\u0669}'.format(1) }}", MUCH),
        (
            "{{ '{:{w}}'.format(1, w='999999999') }}",
            "a width that is made of a value; write it as a number",
        ),
        (
            "{% set x = 99999 %}" + "{% set x = x * x %}" * 40,
            "numbers of more than 64 bits are not multiplied",
        ),
        (X + "{% for i in range(9999) %}{{ x }}{% endfor %}", SPENT),
        (f"{{% for i in range(9999) %}}{'y' * 100_000}{{% endfor %}}", SPENT),
        (
            X
            + "{% macro m() %}{% for i in range(9999) %}{{ x }}{% endfor %}{% endmacro %}{{ m() }}",
            SPENT,
        ),
        (X + EVER.format("x | urlize"), SPENT),
        (X + EVER.format("x == x"), SPENT),
        (X + EVER.format("x[1:]"), SPENT),
        (X + EVER.format("'b' in x"), SPENT),
        (X + EVER.format("x is in x"), SPENT),
        (X + EVER.format("{1: x}[1]"), SPENT),
        (EVER.format("range(99999) | sum"), SPENT),
        (EVER.format("1 | round(99999, 'ceil')"), SPENT),
        ("{{ 1 | round(99999999, 'ceil') }}", LONG),
        ("{{ {'a': 1} | tojson(indent=999999999) }}", LONG),
        ("{{ ('f' * 99999) | int(base=16) // 3 }}", "this number is too long"),
        (DOUBLED + "{{ ns.a == ns.b }}", LONG),
        (DOUBLED + "{{ {ns.a: 1} }}", LONG),
        (DOUBLED + "{{ ns.a | format(1) }}", LONG),
        (X + "{{ x.join(x | map('upper')) }}", MUCH),
        ("{{ '%9999d' * 16000 % ((1,) * 16000) }}", MUCH),
        ("{{ ('{0:9999}' * 12000).format(1) }}", MUCH),
        ("{{ '%*d' % (999999999, 1) }}", MUCH),
        ("{{ '%(a(b))999999999d' % {'a(b)': 1} }}", MUCH),
        (X + "{{ ('{0.items}' * 20000).format(cycler(x)) }}", MUCH),
        (X + "{% set ns = namespace(x=x) %}{{ '%s' * 30000 % ((ns,) * 30000) }}", LONG),
        (
            "{% set ns = namespace(x=1) %}"
            + "{% set ns.x = namespace(a=ns.x, b=ns.x) %}" * 40
            + "{{ ns.x }}",
            LONG,
        ),
        (
            X + "{{ x.encode('punycode') }}",
            "access to attribute 'encode' of 'str' object is unsafe",
        ),
        ("{{ 'a' * 10 ** 9 }}", "powers are not for templates"),
        ("{{ 'a' * 999999999 }}", LONG),
        ("{{ 999999999 * ['a'] }}", LONG),
        ("{{ '%999999999d' % 1 }}", MUCH),
        ("{{ '%999999999d' | format(1) }}", MUCH),
        ("{{ 'a' | center(999999999) }}", LONG),
        ("{{ 'a'.ljust(999999999) }}", LONG),
        ("{{ 'a' | indent(999999999, true) }}", LONG),
    ],
)
def test_a_template_cannot_keep_a_worker_busy_or_fill_its_memory(attempt: str, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        render(templates(f"<p>{attempt}</p>{FOOTER}"))


def test_nor_can_includes_that_double_each_other() -> None:
    row = {f"_{i}__html": f"{{% include 'email/t/_{i + 1}.html' %}}" * 2 for i in range(30)}
    files = templates("{% include 'email/t/_0.html' %}" + FOOTER, _30__html="x", **row)
    with pytest.raises(InputError, match=LOOPS):
        render(files)


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("{{ '%d of %d seats' | format(used, seats) }}", "900 of 1500 seats"),
        ("{{ '%d of %d seats' % (used, seats) }}", "900 of 1500 seats"),
        ("{{ '* %d of 100000' % used }}", "* 900 of 100000"),
        ("{{ '** %d of 20304050 **' % revenue }}", "** 250000000 of 20304050 **"),
        ("{{ '{} of {}'.format(used, seats) }}", "900 of 1500"),
        ("{{ '{:,} a year'.format(revenue) }}", "250,000,000 a year"),
        ("{{ '{0.stage}{0.city}'.format(lead) }}", "visitorÅrhus"),
        ("{{ revenue | default(1000) }}", "250000000"),
        ("{{ revenue | int(500) }}", "250000000"),
        ("{{ revenue | round(2) }}", "250000000"),
        ("{% set ns = namespace(sum=revenue) %}{{ ns.sum + 1 }}", "250000001"),
        ("{% macro m(n) %}{{ n }}{% endmacro %}{{ m(revenue) }}", "250000000"),
        ("{{ ('word ' * 4001) | truncate(500) | length }}", "497"),
        ("{{ ('word ' * 26000) | wordwrap(78) | wordcount }}", "26000"),
        (
            "{{ ('your company ' * 3000) | replace('your company', 'X-Education') | length }}",
            "36000",
        ),
        ("{{ [1, 2] | map('string') | join('+') }}", "1+2"),
    ],
)
def test_a_mail_says_large_numbers_and_shortens_long_texts(body: str, read: str) -> None:
    values = "{% set used, seats, revenue = 900, 1500, 250000000 %}"
    assert f">{read}<" in render(templates(f"<p>{values}{body}</p>{FOOTER}")).html


def test_a_mail_that_gets_too_deep_for_one_lead_fails_and_is_not_sent_without_its_text() -> None:
    deep = "{% for i in range(lead.city | length * 50) %}<div>{% endfor %}"
    files = templates(f"<table><tr><td>{deep}</td><td>Hi</td></tr></table>{FOOTER}")
    assert "Hi" in render(files, Lead("lead-2", "bo@firma.example", {"city": "Bo"})).text
    with pytest.raises(InputError) as raised:
        render(files)
    assert str(raised.value) == "templates/email/t/: this is nested too deeply; write it flatter"


def test_a_list_of_products_may_be_looked_at_for_each_of_them() -> None:
    body = (
        "{% set all = [{'name': 'x' * 800}] * 100 %}{% macro card(one, all) %}{{ one.name[:9] }} "
        "{{ all | length }}{% endmacro %}{% for one in all %}{{ card(one, all) }}"
        "{% if loop.index < all | length %}, {% endif %}{% endfor %}"
        "{{ (['y' * 900] * 50) | join('z' * 250) }}{{ ('a' * 20000) | replace('b', 'c' * 900) }}"
        "{{ '%d%% off: 70202020' % 20 }}"
    )
    html = render(templates(f"<p>{body}</p>{FOOTER}")).html
    assert html.count("xxxxxxxxx 100") == 100
    assert "20% off: 70202020" in html


def test_loops_and_numbers_of_an_ordinary_mail_are_as_ever() -> None:
    body = (
        "{% for word in ['a', 'b'] %}{% for i in range(3) %}{{ loop.index * 2 }}{{ word * 2 }} "
        "{% endfor %}{% endfor %}{{ '%05.1f' % 2.5 }} {{ 'x' | center(5) }}"
    )
    more = (
        "{{ '*{:>2}'.format('a') ~ 1 }}{{ ['a', 'b'] | join(', ') }}{{ 'x-y'.replace('-', '+') }}"
        "{{ 5000000 | round }}{{ 3 + 4 }}{{ 'a' + 'b' }}"
    )
    assert "* a1a, bx+y50000007ab" in render(templates(f"<p>.{more}</p>{FOOTER}")).html
    assert "2aa 4aa 6aa 2bb 4bb 6bb 002.5   x" in render(templates(f"<p>{body}</p>{FOOTER}")).html


def test_a_link_that_holds_the_leads_address_is_refused_at_rendering() -> None:
    body = '<p><a href="https://x.example/?who={{ lead.email }}">x</a></p>'
    with pytest.raises(InputError) as raised:
        render(templates(body + FOOTER))
    told = "a link must not carry the lead's address: proxies and logs keep it"
    assert str(raised.value) == f"templates/email/t/: {told}"


def test_a_link_to_nowhere_is_named_at_rendering() -> None:
    with pytest.raises(InputError) as raised:
        render(templates(f'<a href="https://[YOUR-DOMAIN]/article">x</a>{FOOTER}'))
    told = "the link https://[YOUR-DOMAIN] leads nowhere: its host cannot be read"
    assert str(raised.value) == f"templates/email/t/: {told}"


GUIDE = "https://www.x-education.example/guide"
TELLING = f'<p>Near {{{{ lead.city }}}}.</p><p><a href="{GUIDE}">x</a></p>'
"""A mail that says where the lead is, and has a link of its own."""


def from_town(city: str, body: str = TELLING, **changes: Any) -> Mail:
    lead = Lead("lead-1", "anna@firma.example", {"city": city})
    return render(templates(body + FOOTER, **changes), lead, tracking=True)


def signed(mail: Mail) -> list[str]:
    """Where the links lead that are ours to answer for, in the HTML and in the text."""
    clicks = re.findall(rf"{BASE}/c/([\w.-]*\w)", mail.html + mail.text)
    return [re.sub("[?&]utm.*", "", TOKENS.read(CLICK, click)[1]) for click in clicks]


@pytest.mark.parametrize(
    "city",
    [
        "https://evil.example/login",
        f"{GUIDE}-to-riches?who=you",
        "https://www.x-education.example.evil.example/guide",
        "https://www.x-education.example\\@evil.example/",
        "https://ex℀mple.example/",
        "https://evil.example/?e=anna@firma.example",
        f"{GUIDE}?e=anna@firma.example",
    ],
)
def test_a_web_address_that_a_lead_told_is_shown_as_it_is_and_never_signed(city: str) -> None:
    mail = from_town(city)
    assert signed(mail) == [GUIDE, GUIDE]
    assert f"Near {city}." in mail.text
    assert f"Near {city}." in unescape(mail.html)


@pytest.mark.parametrize(
    "body",
    [
        '{% set site = lead.city %}<a href="https://{{ site }}/">x</a>',
        '{% set site = "https://" ~ lead.city %}<a href="{{ site }}">x</a>',
        "{{ lead.city | urlize }}",
    ],
)
def test_nor_is_one_that_a_template_made_of_what_the_lead_told(body: str) -> None:
    mail = from_town("www.evil.example", f"<p>{body}</p>", body__txt="See https://{{ lead.city }}.")
    assert signed(mail) == []
    assert "See https://www.evil.example." in mail.text
    assert re.search(r'href="https?://www\.evil\.example/?"', mail.html)


@pytest.mark.parametrize("query", ["", "?a=1&b=2"])
def test_a_link_that_a_lead_told_too_is_still_the_templates(query: str) -> None:
    body = TELLING.replace(GUIDE, GUIDE + query.replace("&", "&amp;"))
    assert signed(from_town(GUIDE + query, body)) == [GUIDE + query] * 3
    assert signed(from_town(GUIDE + query, FOOTER, body__txt=f"See {GUIDE}{query}.")) == [
        GUIDE + query
    ]


def test_links_that_mjml_makes_or_that_name_the_language_are_ours_whatever_a_lead_told() -> None:
    shop = "https://{{ language }}.x-education.example/shop"
    social = f'<mj-social><mj-social-element name="facebook" href="{GUIDE}">x</mj-social-element>'
    text = f'<mj-text>{{{{ lead.city }}}} <a href="{shop}">x</a></mj-text>'
    body = MJML.replace("<mj-table>", f"{social}</mj-social>{text}<mj-table>")
    facebook = "https://www.facebook.com/sharer/sharer.php?u="
    lead = Lead("lead-1", "anna@firma.example", {"city": f"{facebook}https://evil.example"})
    counted = signed(render(mjml(body), lead, tracking=True))
    assert {facebook + GUIDE, "https://en.x-education.example/shop"} <= set(counted)
    assert not any("evil" in url for url in counted)


@pytest.mark.parametrize("persona", ["boss", None])
def test_a_link_may_name_the_persona_also_in_its_host(persona: str | None) -> None:
    urls = ["https://{{ persona or 'www' }}.x.example/a", "https://x.example/{{ persona }}/b"]
    urls += ["https://{{ persona }}.x.example/{{ language }}", "https://{{ lead.city }}.x.example"]
    body = "".join(f'<a href="{url}">x</a>' for url in urls) + FOOTER
    lead = Lead("lead-1", "a@x.example", {"city": "boss"})
    step = {**STEP, "lead": lead, "persona": persona, "tracking": True}
    mail = renderer(templates(body), personas=["boss"]).render("t", **step)
    counted = {"https://boss.x.example/en", "https://x.example/boss/b"}
    assert counted <= set(signed(mail)) if persona else "https://x.example//b" in signed(mail)
    assert "https://boss.x.example" not in signed(mail)


@pytest.mark.parametrize(
    "body",
    [
        f'{{% set url = "{GUIDE}" %}}<a href="{{{{ url }}}}">x</a>',
        '{% set site = "https://www.x-education.example" %}<a href="{{ site }}/guide">x</a>',
        f"{{% macro to(url) %}}<a href='{{{{ url }}}}'>x</a>{{% endmacro %}}{{{{ to('{GUIDE}') }}}}",
    ],
)
def test_a_link_that_a_template_keeps_under_a_name_is_counted(body: str) -> None:
    assert signed(from_town("Ry", body)) == [GUIDE, GUIDE]


def test_without_consent_a_mail_has_neither_a_pixel_nor_a_counting_link() -> None:
    mail = render(mjml(), tracking=False)
    assert "<img" not in mail.html
    assert f"{BASE}/o/" not in mail.html + mail.text
    assert f"{BASE}/c/" not in mail.html + mail.text
    assert any(url.startswith("https://www.x-education.example/guide") for url in links(mail.html))


def test_with_consent_openings_and_clicks_are_counted_by_signed_links() -> None:
    mail = render(mjml(), tracking=True)
    [click] = [url for url in links(mail.html) if "/c/" in url]
    message, target = TOKENS.read(CLICK, token(click))
    assert message == "message-1"
    assert target.startswith("https://www.x-education.example/guide?a=1&b=2&utm_source=nurture")
    assert target.endswith("#top")
    [pixel] = re.findall(r'<img src="([^"]*)"', mail.html)
    assert TOKENS.read(OPEN, token(pixel)) == ["message-1"]
    assert click in mail.text


def test_the_link_to_unsubscribe_is_never_counted_nor_tagged() -> None:
    for tracking in (True, False):
        mail = render(mjml(), tracking=tracking)
        [leave] = [url for url in links(mail.html) if "/u/" in url]
        assert TOKENS.read(UNSUBSCRIBE, token(leave)) == ["lead-1", "message-1"]
        assert leave in mail.headers["List-Unsubscribe"]
        assert leave in mail.text
        assert "utm_" not in leave


def tagged(url: str) -> dict[str, list[str]]:
    html = render(templates(f'<a href="{url}">x</a>{FOOTER}')).html
    return parse_qs(urlsplit(links(html)[0]).query)


def test_links_to_the_company_tell_which_mail_they_come_from() -> None:
    assert tagged("https://shop.x-education.example/?a=1") == {
        "a": ["1"],
        "utm_source": ["nurture"],
        "utm_medium": ["email"],
        "utm_campaign": ["welcome"],
        "utm_content": ["hello"],
    }
    assert tagged("https://x-education.example/?utm_campaign=own")["utm_campaign"] == ["own"]


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/?a=1",
        "https://not-x-education.example/?a=1",
        "mailto:hello@x-education.example?a=1",
        "#?a=1",
    ],
)
def test_other_links_stay_as_they_are(url: str) -> None:
    html = render(templates(f'<a href="{url}">x</a>{FOOTER}'), tracking=False).html
    assert links(html)[0] == url


def test_no_address_holds_anything_personal() -> None:
    mail = render(mjml(), tracking=True)
    for url in [*links(mail.html), *re.findall(r'src="([^"]*)"', mail.html)]:
        assert not re.search("anna|firma|århus", url, re.I)
    with pytest.raises(InputError, match="the lead's address"):
        render(
            templates(
                f'<a href="https://x.example/?e={{{{ lead.email | urlencode }}}}">x</a>{FOOTER}'
            )
        )


def test_the_mail_says_who_it_is_from_and_to() -> None:
    mail = render(templates(FOOTER))
    assert (mail.id, mail.to, mail.sender) == (
        "message-1",
        LEAD.email,
        "courses@x-education.example",
    )
    assert (mail.sender_name, mail.reply_to) == ("Søren Ærø", "hello@x-education.example")


def both(url: str, **changes: Any) -> tuple[str, str]:
    """Where a link leads in the HTML and in the text."""
    mail = render(templates(f'<a href="{url}"{changes.pop("rel", "")}>x</a>{FOOTER}'), **changes)
    in_text = re.search(r"\[x\]\(([^)]*)\)", mail.text)
    assert in_text
    return links(mail.html)[0], in_text[1]


@pytest.mark.parametrize("rel", [' rel="untracked"', ' rel="noopener untracked"'])
def test_a_link_may_ask_to_stay_as_it_is(rel: str) -> None:
    url = "https://www.x-education.example/privacy?a=1"
    assert both(url, rel=rel, tracking=True) == (url, url)
    html = render(templates(f'<a href="{url}"{rel}>x</a>{FOOTER}'), tracking=True).html
    assert "untracked" not in html
    assert ("noopener" in html) == ("noopener" in rel)


def test_a_link_in_a_text_of_its_own_may_ask_for_it_too() -> None:
    own = "See untracked:https://www.x-education.example/privacy."
    text = render(templates(FOOTER, body__txt=own), tracking=True).text
    assert text == "See https://www.x-education.example/privacy."


@pytest.mark.parametrize(
    ("before", "url", "after"),
    [
        ("See ", "https://en.wikipedia.org/wiki/Bloom_(taxonomy)", "."),
        ("(see ", "https://en.wikipedia.org/wiki/Bloom_(taxonomy)", ")."),
        ("(", "https://en.wikipedia.org/wiki/Taxonomy", "), or"),
        ("[Guide](", "https://x.example/(a)/b(c)?d=(e)#f", ")"),
        ("At ", "https://x.example/a", "(b"),
        ("See ", "https://x.example/a", "..."),
    ],
)
def test_a_link_in_a_text_of_its_own_ends_where_a_reader_sees_it_end(
    before: str, url: str, after: str
) -> None:
    text = render(templates(FOOTER, body__txt=f"{before}{url}{after}"), tracking=True).text
    assert text.startswith(before)
    assert text.endswith(after)
    assert TOKENS.read(CLICK, token(text[len(before) : -len(after)])) == ["message-1", url]


def test_a_link_with_brackets_stays_whole_in_the_text() -> None:
    html, text = both("https://en.example/wiki/Mail_(post)?x[0]=1")
    assert html == "https://en.example/wiki/Mail_(post)?x[0]=1"
    assert text == "https://en.example/wiki/Mail_%28post%29?x%5B0%5D=1"


@pytest.mark.parametrize("amp", ["&", "&amp;"])
def test_a_parameter_may_be_called_as_a_character_is(amp: str) -> None:
    url = f"https://en.example/?a=1{amp}copy=2{amp}region=3"
    assert both(url) == ("https://en.example/?a=1&copy=2&region=3",) * 2


RULES = LinkRules(
    own=("courses.example",),
    tags={"utm_source": "mail", "mtm_kwd": "{mail}.{language}"},
    untracked=("*.x-education.example/legal/*", "courses.example/privacy"),
)


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        (
            "https://www.courses.example/a",
            "https://www.courses.example/a?utm_source=mail&mtm_kwd=t.en",
        ),
        (
            "https://courses.example/?utm_source=x",
            "https://courses.example/?utm_source=x&mtm_kwd=t.en",
        ),
        ("https://courses.example/privacy", "https://courses.example/privacy"),
        ("https://www.x-education.example/guide", "https://www.x-education.example/guide"),
    ],
)
def test_the_playbook_says_which_links_get_which_tags(url: str, becomes: str) -> None:
    mail = renderer(templates(f'<a href="{url}">x</a>{FOOTER}'), rules=RULES).render("t", **STEP)
    assert links(mail.html)[0] == becomes


def test_the_playbook_says_which_links_are_not_counted() -> None:
    body = "".join(
        f'<a href="https://{address}">x</a>'
        for address in (
            "shop.x-education.example/legal/terms",
            "courses.example/privacy",
            "x.example/",
        )
    )
    mail = renderer(templates(body + FOOTER), rules=RULES).render("t", **{**STEP, "tracking": True})
    assert [("/c/" in url) for url in links(mail.html)[:3]] == [False, False, True]


STEP: dict[str, Any] = {
    "message_id": "message-1",
    "lead": LEAD,
    "sender": SENDER,
    "flow": "welcome",
    "step": "hello",
    "persona": None,
    "tracking": False,
}


def test_the_image_of_a_given_height_keeps_its_shape_on_a_phone() -> None:
    picture = '<mj-image src="https://x.example/a.png" alt="" width="520px" height="260px" />'
    html = render(mjml(MJML.replace("<mj-table>", f"{picture}<mj-table>"))).html
    tag = re.findall(r"<img[^>]*>", html)[0]
    assert 'height="260"' in tag
    assert "height:auto" in tag
    assert "260px" not in tag


@pytest.mark.parametrize(
    "body",
    [
        "{% if lead.city %}<p>From {{ lead.city }}</p>{% else %}<p>Hi</p>{% endif %}",
        "<p>Hi{% if lead.city %}, {{ lead.city }}{% endif %}!</p><p>Bye</p>",
        "<ul>{% for one in [1, 2] %}<li>number {{ one }}</li>{% endfor %}</ul>",
        "<table>{% for one in [1, 2] %}<tr><td>{{ one }}</td><td>x</td></tr>{% endfor %}</table>",
        "<table><tr><td>{% if lead.city %}a<br>b{% endif %}</td><td>c<br>{{ lead.city }}</td></tr></table>",
        '<p style="{% if lead.city %}color: red{% endif %}">Hi</p>',
        "<head>{% set town = lead.city %}</head><p>{{ town }}</p>",
        "{% macro hi(name) %}<b>{{ name }}</b>{% endmacro %}<p>{{ hi(lead.city) }}</p>",
        "<p>{# a remark #}a{{ lead.city | upper }}</p>",
        "<div style='display:none'>{% if lead.city %}x{% endif %}</div><p>{{ lead.city }}</p>",
        "{% raw %}<p>{{ as it is }}</p>{% endraw %}",
    ],
)
@pytest.mark.parametrize("city", ["Århus & Ry", ""])
def test_the_text_prepared_once_is_the_text_of_the_finished_mail(body: str, city: str) -> None:
    files = templates(f"{body}<p>{FOOTER}</p>")
    mail = render(files, Lead("lead-1", "a@x.example", {"city": city}))
    assert mail.text.split() == as_text(mail.html).split()
    assert "\n\n\n" not in mail.text
    assert "jinja" not in mail.text


DANISH = {"first_name": "Anna", "language": "da-DK"}


@pytest.mark.parametrize(
    ("traits", "persona", "expected"),
    [
        ({}, None, "Hello|everybody"),
        ({"language": "sv"}, None, "Hello|everybody"),
        ({"language": "da"}, None, "Hej|alle"),
        ({"locale": "da_DK"}, None, "Hej|alle"),
        ({"language": "en", "locale": "da-DK"}, None, "Hello|everybody"),
        ({"language": "da"}, "boss", "Hej|chef"),
        ({"language": "da"}, "clerk", "Hej|alle"),
        ({}, "clerk", "Dear clerk|clerk"),
        ({}, "boss", "Hello|everybody"),
    ],
)
def test_a_lead_gets_the_variant_for_its_language_and_persona(
    traits: dict[str, str], persona: str | None, expected: str
) -> None:
    files = templates(
        f"everybody{FOOTER}",
        subject__da__txt="Hej",
        subject__clerk__txt="Dear clerk",
        body__da__html=f"alle{FOOTER}",
        body__boss__da__html=f"chef{FOOTER}",
        body__clerk__html=f"clerk{FOOTER}",
    )
    lead = Lead("lead-1", "a@x.example", traits)
    step = {**STEP, "lead": lead, "persona": persona}
    mail = renderer(files, personas=["boss", "clerk"]).render("t", **step)
    subject, _, body = expected.partition("|")
    assert mail.subject == subject
    assert mail.text.startswith(body)


def test_shared_parts_come_in_the_language_of_the_mail() -> None:
    files = mjml("<mjml><mj-body><mj-include path='_layout/footer.mjml' /></mj-body></mjml>")
    files |= {
        "email/t/subject.da.txt": "Hej",
        "email/t/body.da.mjml": files["email/t/body.mjml"],
        "email/_layout/footer.da.mjml": PARTIAL.replace("Unsubscribe", "Afmeld"),
    }
    mail = render(files, Lead("lead-1", "a@x.example", DANISH))
    assert "Afmeld" in mail.text
    assert 'lang="da"' in mail.html
    assert "Unsubscribe" in render(files).text


def test_a_text_of_its_own_is_sent_only_with_the_body_it_belongs_to() -> None:
    files = templates(
        FOOTER, body__txt="Own", subject__da__txt="Hej", body__da__html=f"Dansk {FOOTER}"
    )
    assert render(files).text == "Own"
    assert render(files, Lead("lead-1", "a@x.example", DANISH)).text.startswith("Dansk")


def test_the_language_can_be_asked_for() -> None:
    files = templates(f"{{{{ language }}}}{FOOTER}")
    assert render(files, Lead("lead-1", "a@x.example", DANISH)).text.startswith("en")
