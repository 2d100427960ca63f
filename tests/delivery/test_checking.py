import pytest

from nurture.delivery.email.checking import check_templates, uncounted
from nurture.delivery.email.readable import unannounced
from tests.support.mail import FOOTER, TRAITS, templates

SHELL = """<mjml><mj-body>
<mj-section><mj-column>
{}
<mj-text>Words for all who see no pictures, and there are many of them.</mj-text>
<mj-text><a href="{{{{ unsubscribe_url }}}}">Unsubscribe</a></mj-text>
</mj-column></mj-section>
</mj-body></mjml>
"""

IMG = '<img src="x" alt="Courses" width="600" height="900">'
CHOSEN = (
    "<tr><td>{% if 1 %}<a href='https://x.example/1'>{% else %}<a href='https://x.example/2'>"
    "{% endif %}x</a></td></tr>"
)
DEEP = "this is nested too deeply; write it flatter"
PICTURE = '<mj-image src="https://x.example/a.png" alt="A desk" width="520px" height="260px" />'


def mjml(line: str) -> dict[str, str]:
    return {"email/t/subject.txt": "Hi", "email/t/body.mjml": SHELL.format(line)}


def problems(files: dict[str, str]) -> list[str]:
    return [str(finding) for finding in check_templates(files, TRAITS)]


def test_a_good_template_has_no_findings() -> None:
    assert problems(mjml(PICTURE)) == []
    assert problems(templates(FOOTER)) == []


def test_what_lies_elsewhere_is_not_looked_at() -> None:
    assert problems({"sales/task.txt": "{{ nonsense }", **templates(FOOTER)}) == []


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("<mj-txt>Hi</mj-txt>", "3:1: MJML has no tag <mj-txt>; did you mean mj-text?"),
        (
            '<mj-text colour="red">Hi</mj-text>',
            "3:1: <mj-text> has no attribute colour; did you mean color?",
        ),
        ("<div>Hi</div>", "3:1: MJML has no tag <div>; HTML goes into mj-text"),
        (
            "<mj-text><mj-button>x</mj-button></mj-text>",
            "3:10: <mj-button> inside <mj-text> is not read as MJML",
        ),
        ("<mj-text>a&nbsp;b</mj-text>", "3:11: undefined entity; write it as a number"),
        ("<mj-text>a<br>b</mj-text>", "3:"),
        ('<mj-image src="https://x.example/a.png" />', "3:1: mj-image has no alt"),
        (PICTURE.replace('height="260px"', ""), "3:1: mj-image has no height; say its height"),
        (PICTURE.replace('width="520px"', ""), "3:1: mj-image has no width"),
        ('<mj-text><img alt="" width="9" src="x" /></mj-text>', "3:10: img has no height"),
        (
            '<mj-text>Hello<br /><span style="color: #999">pale words</span></mj-text>',
            '3:47: "pale words" is hard to read: contrast 2.8 to 1; 4.5 is needed',
        ),
        ("<mj-text>ø {{ lead.shoe }}</mj-text>", "3:15: lead.shoe is unknown; known are city,"),
        ("<mj-text>{{ led.city }}</mj-text>", "3:13: led is unknown; known are company,"),
        ("<mj-text>{{ company.cvr }}</mj-text>", "3:13: company.cvr is unknown"),
        ("<mj-text>{{ lead['shoe'] }}</mj-text>", "3:13: lead.shoe is unknown"),
        ("<mj-text>{% if lead.city %}</mj-text>", "Unexpected end of template"),
        ("<mj-text>{{ lead.city | upcase }}</mj-text>", "3:10: No filter named 'upcase'"),
        ("<mj-text>{{ lead.city - 1 }}</mj-text>", "3:1: unsupported operand"),
        (
            "<mj-text>{{ lead.city.split(sep='a', sep='b') }}</mj-text>",
            "1:1: keyword argument rep",
        ),
        (f"<mj-text>{{{{ {'9' * 4301} }}}}</mj-text>", "3:10: this number is too long"),
        (f"<mj-text>{'<b>' * 250}x{'</b>' * 250}</mj-text>", "3:595: this is nested too deeply"),
        (f"{'<mj-wrapper>' * 2_000}{'</mj-wrapper>' * 2_000}", "3:2353: this is nested too deeply"),
        (
            f"<mj-text>{'{% if 1 %}' * 60}x{'{% endif %}' * 60}</mj-text>",
            "3:10: this is nested too deeply",
        ),
        (
            f"<mj-text>{'{% for x in [1] %}' * 21}x{'{% endfor %}' * 21}</mj-text>",
            "3:10: this is nested too deeply",
        ),
        (f"<mj-text>{{{{ {'(' * 90}1{')' * 90} }}}}</mj-text>", "3:10: this is nested too deeply"),
        (f"<mj-text>{{{{ {'(' * 31}1{')' * 31} }}}}</mj-text>", "3:10: this is nested too deeply"),
        (
            f"<mj-text>{{{{ ({'[{1: ' * 15}1{'}]' * 15}) }}}}</mj-text>",
            "3:10: this is nested too deeply",
        ),
        (
            f"<mj-text>{{{{ lead.city{' + lead.city' * 300} }}}}</mj-text>",
            "3:10: this is nested too deeply",
        ),
        (
            '<mj-include path="_layout/no.mjml" />',
            "3:1: there is no templates/email/_layout/no.mjml",
        ),
        (
            '<mj-button href="https://x.example/{{ lead.city }}">x</mj-button>',
            "3:12: a link holds something of the lead",
        ),
        (
            '<mj-button href="https://[YOUR-DOMAIN]/article">x</mj-button>',
            "3:18: the link https://[YOUR-DOMAIN] leads nowhere: its host cannot be read; "
            "write it out, as in https://www.example.com/page",
        ),
        (
            '<mj-text>{% if lead.city %}\n<a href="http://ex℀mple.com">x</a>{% endif %}</mj-text>',
            "4:10: the link http://ex℀mple.com leads nowhere: its host cannot be read",
        ),
    ],
)
def test_a_mistake_is_found_at_its_place(line: str, finding: str) -> None:
    found = problems(mjml(line))
    assert any(finding in problem for problem in found), found
    assert all(problem.startswith("templates/email/t/body.mjml:") for problem in found)


def test_a_link_in_a_remark_is_no_mistake() -> None:
    remarks = "{# https://[YOUR-DOMAIN]/ #}<!-- https://[YOUR-DOMAIN]/ -->"
    assert problems(mjml(remarks)) == []


@pytest.mark.parametrize(
    "link", ["https://example.com[1]", "[https://x.example](https://x.example)"]
)
def test_nor_is_one_with_a_footnote_or_in_brackets(link: str) -> None:
    own = f"See {link}. {{{{ unsubscribe_url }}}}"
    assert problems({**mjml(""), "email/t/body.txt": own}) == []


def test_places_are_right_behind_tags_that_span_lines() -> None:
    found = problems(mjml("{% if\n  lead.city\n%}<mj-txt>x</mj-txt>{% endif %}"))
    assert any(":5:3: MJML has no tag <mj-txt>" in problem for problem in found), found


def test_places_are_right_in_the_first_line_of_a_shared_part() -> None:
    files = {**mjml(""), "email/_layout/part.mjml": "<mj-txt>x</mj-txt>"}
    assert problems(files) == [
        "templates/email/_layout/part.mjml:1:1: MJML has no tag <mj-txt>; did you mean mj-text?"
    ]


def test_missing_and_unknown_files_are_found() -> None:
    files = {"email/t/subjekt.txt": "Hi", "email/u/subject.txt": "Hi"}
    assert [problem.partition(";")[0] for problem in problems(files)] == [
        "templates/email/t/body.mjml:1:1: the body is missing",
        "templates/email/t/subject.txt:1:1: the subject is missing",
        "templates/email/t/subjekt.txt:1:1: no mail has such a file",
        "templates/email/u/body.mjml:1:1: the body is missing",
    ]


def test_two_bodies_are_one_too_many() -> None:
    files = {**mjml(""), "email/t/body.html": FOOTER}
    assert any("there is also a body.html" in problem for problem in problems(files))


def test_every_body_needs_the_link_to_unsubscribe_its_own_or_a_shared_one() -> None:
    [html] = problems(templates("<p>Hi</p>"))
    assert html.startswith("templates/email/t/body.html:1:1: there is no link to unsubscribe")
    [text] = problems(templates(FOOTER, body__txt="Hi"))
    assert text.startswith("templates/email/t/body.txt:1:1: there is no link to unsubscribe")
    shared = {
        "email/t/subject.txt": "Hi",
        "email/t/body.mjml": '<mjml><mj-body><mj-include path="_layout/f.mjml" /></mj-body></mjml>',
        "email/_layout/f.mjml": "<mj-section><mj-column><mj-text>{{ unsubscribe_url }}</mj-text>"
        "</mj-column></mj-section>",
    }
    assert problems(shared) == []


def test_a_subject_that_may_come_out_empty_is_found() -> None:
    [found] = problems(templates(FOOTER, subject="{{ lead.city }}"))
    assert found.startswith("templates/email/t/subject.txt:1:1: empty for a lead that says nothing")


def test_a_name_with_odd_signs_in_it_is_found_like_any_other() -> None:
    [found] = problems(templates(f"{{{{ lead['(a+'] }}}}{FOOTER}"))
    assert "lead.(a+ is unknown" in found


def test_all_mistakes_are_found_at_once() -> None:
    files = mjml("<mj-txt>{{ lead.shoe }}</mj-txt>")
    files["email/t/subject.txt"] = "{{ lead.hat }}"
    assert len(problems(files)) == 3


def test_pictures_in_an_html_body_need_the_same() -> None:
    found = problems(templates(f'<p>{{{{ lead.city }}}}</p>\n<img src="x" alt="">{FOOTER}'))
    assert [problem.partition(";")[0] for problem in found] == [
        "templates/email/t/body.html:2:1: img has no height",
        "templates/email/t/body.html:2:1: img has no width",
        "templates/email/t/body.html:2:1: this mail says next to nothing without its pictures",
    ]


@pytest.mark.parametrize(
    "body",
    [
        f"<body>{IMG}{FOOTER}</body>",
        f"<p>Hi {{{{ lead.first_name }}}}</p>{IMG}{FOOTER}",
        f"<title>A long name that only the tab of a browser shows to people</title>{IMG}{FOOTER}",
        f"{IMG}<p>You get this mail because you asked us for news about courses that we give in "
        f"many places, {{{{ company.address }}}}. {FOOTER}</p>",
    ],
)
def test_a_mail_of_pictures_only_is_found(body: str) -> None:
    [found] = problems(templates(body))
    assert found.partition(":")[2].partition(": ")[2] == (
        "this mail says next to nothing without its pictures; many see none; "
        "write beside them what it is about"
    )
    text = "<p>The new courses begin in May, and you can choose yours from today on.</p>"
    assert problems(templates(body.replace(FOOTER, text + FOOTER))) == []


def test_a_mail_of_which_no_plain_text_can_be_made_needs_one_of_its_own() -> None:
    body = f'<a href="{{{{ unsubscribe_url }}}}">{IMG}</a>'
    assert problems(templates(body))[0] == (
        "templates/email/t/body.html:1:1: there is no plain text, and no word in here to make one "
        "of; write it into body.txt"
    )
    own = "Choose your course. {{ unsubscribe_url }}"
    [left] = problems(templates(body, body__txt=own))
    assert "without its pictures" in left
    [empty] = problems(templates(FOOTER, body__txt="{# {{ unsubscribe_url }} #}"))
    assert empty.startswith("templates/email/t/body.txt:1:1: empty for a lead that says nothing")


@pytest.mark.parametrize("oddity", ["<![x]>", "<![ x", "<![endif]-->", "<!x", "</"])
def test_half_a_comment_is_no_traceback(oddity: str) -> None:
    assert problems(templates(f"{FOOTER}<p>Hi</p>{oddity} there")) == []
    assert all("templates/email/t/body.mjml" in found for found in problems(mjml(oddity)))


@pytest.mark.parametrize(
    "body",
    [
        f"<p>Hi</p>{'<div>' * 9_000}",
        f"<p>Hi</p>{'<div/>' * 9_000}",
        f"<p>Hi</p><style>{'<div>' * 9_000}</style>",
        f"<p>Hi</p>{'<p><b>x</p>' * 9_000}",
        f"<p>Hi</p><svg>{'<input>' * 9_000}",
        f"<p>Hi</p><svg><p></p>{'<path/>' * 9_000}",
        f"<p>Hi</p><div><svg></div>{'<path/>' * 9_000}",
        f"<p>Hi</p>{'<svg><p></p><g></svg>' * 9_000}",
        f"<p>Hi</p>{'<svg><div></svg>' * 9_000}",
        f"<p>Hi</p><svg>{'<td>' * 9_000}",
        f"<p>Hi</p><svg><p>Ho</p>{'<path/>' * 9_000}",
        f"<p>Hi</p><svg><br>{'<path/>' * 9_000}",
        f"<p>Hi</p><svg><g></svg>{'<path/>' * 9_000}",
        f"<p>Hi</p><svg></p>{'<path/>' * 9_000}",
        f"<p>Hi</p><svg></svg>{'<path/>' * 9_000}",
        f"<p>Hi</p><svg><title>{'<path/>' * 9_000}",
        f"<p>Hi</p>{'<td><b></td>' * 9_000}",
        f"<p>Hi</p>{'<p><li></p><p><dd></p>' * 9_000}",
        "<p>Hi</p>{% for i in range(300) %}<div>{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}<p>{{ m() }}</p>",
        '<p>Hi</p>{% include "email/t/body.html" %}',
    ],
)
def test_what_becomes_too_deep_is_found_before_anything_breaks_of_it(body: str) -> None:
    [found] = problems(templates(FOOTER + body))
    assert found.startswith("templates/email/t/body.html:1:")
    assert found.endswith(DEEP)


@pytest.mark.parametrize(
    "body",
    [
        "<p>Hi" * 300,
        f"<p>Hi</p><ul>{'<li>one<li><p>two' * 150}</ul>",
        f"<p>Hi</p><table>{'<tr><td>a<td>b' * 300}</table>",
        f"<p>Hi</p><table>{'<tr><td><p>a</td></tr>' * 300}</table>",
        f"<p>Hi</p>{'<div><ul><li>a</ul></div>' * 300}",
        f"<p>Hi</p>{'<svg><title>a</title><path/><use/><g><rect/></svg>' * 300}",
        f"<p>Hi</p><svg><path/></svg><table>{'<tr><td>a<td>b' * 300}</table>",
        f"<p>Hi</p><dl>{'<dt>a<dd>b' * 300}</dl><select>{'<option>a' * 300}</select>",
        f"<p>Hi</p>{'<section><p>a</section>' * 300}",
        f"<p>Hi</p>{'<br>' * 300}",
        f"<p>Hi</p><div><svg><g>{'<path d=m />' * 300}</g></svg></div>{'<svg/>' * 300}",
        f"<p>Hi</p><table>{CHOSEN * 70}</table>",
        f"<p>Hi</p>{{{{ {'(' * 30}1{')' * 30} }}}}{'{{ (1) }}' * 300}",
    ],
)
def test_long_is_not_deep_even_where_ends_are_left_out(body: str) -> None:
    assert problems(templates(FOOTER + body)) == []


def test_files_that_include_each_other_in_a_long_row_are_found() -> None:
    row = {f"email/_{i}/a.mjml": f'<mj-include path="_{i + 1}/a.mjml" />' for i in range(2_000)}
    found = problems({**mjml('<mj-include path="_0/a.mjml" />'), **row})
    assert "templates/email/_16/a.mjml:1:1: this is nested too deeply; write it flatter" in found


def test_a_mail_without_a_preheader_is_remarked_upon() -> None:
    silent, said = mjml(""), "<mjml><mj-head><mj-preview>Five courses</mj-preview></mj-head>"
    assert [str(remark) for remark in unannounced(silent, ["en"], ())] == [
        "templates/email/t/body.mjml:1:1: this mail has no preheader; inboxes show its first words "
        "instead; one sentence in <mj-preview> is better"
    ]
    speaking = silent["email/t/body.mjml"].replace("<mjml>", said)
    assert unannounced({**silent, "email/t/body.mjml": speaking}, ["en"], ()) == []
    hidden = templates(f'<div style="display: none">Five courses</div>{FOOTER}')
    assert unannounced(hidden, ["en"], ()) == []
    empty = silent["email/t/body.mjml"].replace("<mjml>", said.replace("Five courses", " "))
    assert len(unannounced({**silent, "email/t/body.mjml": empty}, ["en"], ())) == 1


def test_a_link_whose_host_is_made_of_values_is_remarked_upon() -> None:
    ours = "https://{{ language }}.x.example https://{{persona}}.x.example https://x.example/{{ lead.city }}"
    files = templates(
        f"{ours} {{# https://{{{{ x }}}} #}}\n<p>https://{{{{ sender.name }}}}.x.example</p>"
    )
    assert [str(remark) for remark in uncounted(files)] == [
        "templates/email/t/body.html:2:4: this link's host is made of values; it gets no tags and is not counted; "
        "write it out, only language and persona may stand in it"
    ]


NIGHT = """<html><head><style>
p, a {{ color: #222222 }} .big {{ font-size: 24px; color: #777777; background: #eeeeee }}
@media (prefers-color-scheme: dark) {{ body {{ background-color: {} !important }} }}
</style></head><body><p>Dear reader</p><p class="big">Large</p>"""


def test_text_that_nobody_can_read_at_night_is_found() -> None:
    found = problems(templates(NIGHT.format("#111111") + FOOTER))
    assert found[0] == (
        'templates/email/t/body.html:4:25: "Dear reader" is hard to read in dark mode: contrast 1.2'
        " to 1; 4.5 is needed; make text or background darker or lighter"
    )
    assert '"Unsubscribe" is hard to read in dark mode' in found[1]
    assert problems(templates(NIGHT.format("#ffffff") + FOOTER)) == []


def test_text_on_a_picture_is_not_judged() -> None:
    body = '<div style="background-image: url(x)"><p style="color: white">Hi</p></div>'
    assert problems(templates(body + FOOTER)) == []


def variants(**files: str) -> dict[str, str]:
    """The template `t` with further files: `subject__da__txt`."""
    return templates(FOOTER, **files)


def test_a_mail_may_come_in_languages_and_for_personas() -> None:
    files = variants(
        subject__da__txt="Hej",
        body__da__html=FOOTER,
        body__boss__html=FOOTER,
        body__da__boss__html=FOOTER,
    )
    assert told(files) == []


def told(files: dict[str, str]) -> list[str]:
    found = check_templates(files, TRAITS, ["en", "da"], ["boss"])
    return [str(finding).removeprefix("templates/email/t/") for finding in found]


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        (
            {"body__sv__html": FOOTER},
            "body.sv.html:1:1: no mail has such a file; known: subject.txt",
        ),
        (
            {"body__da__html": FOOTER},
            "subject.da.txt:1:1: the subject is missing; body.da.html has none in its language",
        ),
        (
            {"body__boss__html": FOOTER, "body__en__boss__html": FOOTER},
            "body.boss.html:1:1: there is also a body.en.boss.html; keep exactly one",
        ),
        (
            {"subject__da__txt": "Hej", "body__da__html": f'<html lang="en">{FOOTER}'},
            'body.da.html:1:13: this says lang="en", but the file is da by its name',
        ),
        (
            {"subject__da__txt": "Hej", "body__da__html": "Hej"},
            "body.da.html:1:1: there is no link to unsubscribe",
        ),
        ({"body__boss__html": FOOTER + "{{ led }}"}, "body.boss.html:1:51: led is unknown"),
        (
            {"subject__boss__txt": "{{ lead.city }}"},
            "subject.boss.txt:1:1: empty for a lead that says nothing",
        ),
    ],
)
def test_a_mistake_in_a_variant_is_found_in_its_file(files: dict[str, str], finding: str) -> None:
    found = told(variants(**files))
    assert len(found) == 1
    assert found[0].startswith(finding)
