"""Lists of the API, a page at a time: the header `Link` of RFC 8288 says where the next begins."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

LISTED = 200
"""Rows on a page."""


class Page:
    """The page that was asked for: the rows behind the one with the id `after`."""

    def __init__(
        self,
        request: Request,
        response: Response,
        after: Annotated[
            str,
            Query(max_length=200, description="the id of the last one before, as `Link` has it"),
        ] = "",
    ) -> None:
        self.after = after
        self._request = request
        self._response = response

    def of(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The page of these rows, of which one more than LISTED was asked for."""
        page = rows[:LISTED]
        if len(rows) > LISTED:
            onward = self._request.url.include_query_params(after=page[-1]["id"])
            self._response.headers["link"] = f'<{onward.path}?{onward.query}>; rel="next"'
        return page
