"""What an ASGI app answered: middleware that has something to do afterwards asks here."""

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Answer:
    """`status` is 500 until one is sent: an app that raises has answered nothing."""

    app: ASGIApp
    status: int = 500

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            await send(message)

        await self.app(scope, receive, noted)
