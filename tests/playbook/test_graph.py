from itertools import combinations
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from nurture.playbook.drawing import svg
from nurture.playbook.graph import FINISHED, START, Arrow, Box, Graph, graph, mermaid
from nurture.playbook.layout import layout
from tests.support.playbook import PLAYBOOK, WELCOME

DRAWN = graph(WELCOME, PLAYBOOK.entries["welcome"])


def test_every_step_is_a_box_and_every_way_an_arrow() -> None:
    assert [box.id for box in DRAWN.boxes] == [
        START,
        *(f"step:{name}" for name in WELCOME.steps),
        FINISHED,
    ]
    assert Arrow("step:answer", "step:hand-over", "yes") in DRAWN.arrows
    assert Arrow("step:answer", "step:hesitating", "in vain") in DRAWN.arrows
    assert Arrow("step:last", FINISHED) in DRAWN.arrows


def test_mermaid_text_names_each_step_and_way() -> None:
    text = mermaid(DRAWN)
    assert text.startswith("flowchart TD\n")
    assert 'n4{{"wait for clicked of guide, at most 4 days"}}' in text
    assert 'n4 -->|"yes"| n8' in text


def test_quotes_of_a_condition_do_not_end_a_text_of_mermaid() -> None:
    drawn = Graph("t", (Box("a", "choice", 'stage == "lead" #1'),), ())
    assert '"stage == #quot;lead#quot; #35;1"' in mermaid(drawn)


def test_the_drawing_is_xml_and_holds_counts() -> None:
    counted = graph(WELCOME, PLAYBOOK.entries["welcome"], {"hello": 128})
    root = ElementTree.fromstring(svg(counted))
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "128 leads" in texts
    assert "mail hello" in texts


@given(st.integers(2, 14).flatmap(lambda n: st.tuples(st.just(n), _arrows(n))))
def test_arrows_lead_down_and_no_two_places_overlap(
    drawn: tuple[int, set[tuple[int, int]]],
) -> None:
    boxes, pairs = drawn
    ids = [f"s{number}" for number in range(boxes)]
    found = layout(ids, [(ids[a], ids[b]) for a, b in sorted(pairs)])
    for route in found.routes:
        rows = [found.rows[place] for place in route]
        assert rows == list(range(rows[0], rows[-1] + 1))
    for one, other in combinations(found.rows, 2):
        if found.rows[one] == found.rows[other]:
            assert abs(found.columns[one] - found.columns[other]) > 0.999


def _arrows(boxes: int) -> st.SearchStrategy[set[tuple[int, int]]]:
    """Any arrows that lead from an earlier box to a later one."""
    pairs = list(combinations(range(boxes), 2))
    return st.sets(st.sampled_from(pairs), max_size=24)
