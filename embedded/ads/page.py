"""The page a person sees at the stand-in's address."""

from jinja2 import Environment

from embedded.ads.members import Members

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Stand-in for {{ name }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #1c1e21 }
.note { background: #fff6d6; border-left: 4px solid #e0a800; padding: .6rem 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #ddd }
td:last-child, th:last-child { text-align: right }
</style>
</head>
<body>
<h1>{{ name }}</h1>
<p class="note">Local stand-in for {{ name }}: nothing leaves this machine.
It holds hashes and nurture's own ids, no addresses and no names.</p>
{% if rows %}
<table>
<thead><tr><th scope="col">Audience</th><th scope="col">Members</th></tr></thead>
<tbody>{% for audience, size in rows %}<tr><td>{{ audience }}</td><td>{{ size }}</td></tr>{% endfor %}</tbody>
</table>
{% else %}<p>No audience has had a member yet.</p>{% endif %}
<p><a href="{{ base }}/__fake/state">Everything it has seen, as JSON</a></p>
</body>
</html>
"""


def render(name: str, members: Members, base: str) -> str:
    rows = [(audience, members.size(audience)) for audience in members.audiences()]
    return Environment(autoescape=True).from_string(_PAGE).render(name=name, rows=rows, base=base)
