"""What figures somebody asks for, read from the address: the same for the page, its CSV and the API."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Query

from nurture.figures import BY, Question


def question(
    month: Annotated[str, Query(description="YYYY-MM; without it the running one")] = "",
    by: Annotated[str, Query(description=f"split by one of {', '.join(BY)}")] = "",
    persona: Annotated[str, Query(description="only leads of that persona")] = "",
    source: Annotated[str, Query(description="only leads that first came from there")] = "",
    flow: Annotated[str, Query(description="only leads that entered that flow last")] = "",
    owner: Annotated[str, Query(description="only leads that this one at sales had last")] = "",
) -> Question:
    only = {"persona": persona, "source": source, "flow": flow, "owner": owner}
    return Question(month, by, {name: value for name, value in only.items() if value})


Asked = Annotated[Question, Depends(question)]


def address(asked: Question) -> Mapping[str, str]:
    """The question as the fields of an address; what does not matter is left out."""
    told = {"month": asked.month, "by": asked.by, **asked.only}
    return {name: value for name, value in told.items() if value}
