"""Each entry of the audit log gets its outcome once the request is answered."""

from starlette.types import ASGIApp, Receive, Scope, Send

from nurture.access.audit import Audit
from nurture.web.answering import Answer

_OUTCOMES = {2: "done", 3: "done", 4: "refused", 5: "failed"}
"""By the hundreds of the HTTP status."""


class Auditing:
    """ASGI middleware. The entry itself is written by `access.needs`, before anything changes."""

    def __init__(self, app: ASGIApp, audit: Audit) -> None:
        self._app = app
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(self._app)
        try:
            await answer.run(scope, receive, send)
        finally:
            state = scope.get("state", {})
            if "entry" in state:
                visit = state["visit"]
                outcome = _OUTCOMES.get(answer.status // 100, "failed")
                await self._audit.conclude(state["entry"], outcome, visit.subject, visit.detail)
