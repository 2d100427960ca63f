"""The whole HTTP room over a real database, and browsers of people who signed in."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

import httpx
from fastapi import FastAPI

from nurture.access.company import CompanySignIn
from nurture.audiences import view
from nurture.delivery.feedback.providers import open_providers
from nurture.enrolling import Enrolling
from nurture.handovers.notices import Notices
from nurture.intake.quarantine import Quarantine
from nurture.playbook import Playbook
from nurture.settings import Settings
from nurture.store.vitals import Vital, vitals
from nurture.tokens import Tokens
from nurture.web.app import create_app
from nurture.web.deps import Deps
from tests.support.domain import NOW
from tests.support.web import NOBODY, SETTINGS, connect
from tests.support.world import World

PASSWORD = "a password of the tests"
NEXT_MINUTE = NOW + timedelta(minutes=1)


class House:
    """`at` is what the clock shows; a test may turn it."""

    def __init__(self, world: World, settings: Settings = SETTINGS) -> None:
        self.world = world
        self.settings = settings
        self.tokens = Tokens(["a key that is long enough to sign"])
        self.at: datetime = NEXT_MINUTE
        self.company: CompanySignIn | None = None

    def app(self) -> FastAPI:
        async def playbook() -> Playbook:
            async with self.world.db.read() as session:
                return await self.world.shelf.current(session)

        async def ready(_beside_temporal: bool) -> list[str]:
            return []

        async def health() -> list[Vital]:
            async with self.world.db.read() as session:
                return await vitals(session, await self.world.shelf.current(session), self.at)

        world = self.world
        return create_app(
            Deps(
                access=world.access,
                dashboard=world.dashboard,
                company=self.company,
                switch_audience=partial(view.switch, world.outbox),
                quarantine=partial(Quarantine(world.db).latest, 50),
                intake=world.intake,
                desk=world.desk,
                notices=Notices(world.db),
                privacy=world.privacy,
                feedback=world.feedback,
                providers=open_providers(self.settings, NOBODY),
                preferences=world.preferences,
                mails=world.mails,
                watch=world.watch,
                enrolling=Enrolling(world.db, world.shelf),
                stages=world.stages,
                reports=world.reports,
                playbook=playbook,
                tokens=self.tokens,
                settings=self.settings,
                now=lambda: self.at,
                ready=ready,
                vitals=health,
            )
        )

    def client(self) -> httpx.AsyncClient:
        return connect(self.app())

    async def person(self, role: str = "admin", owner: str = "") -> str:
        """Somebody with an account: the address."""
        email = f"{role}@firm.example"
        name = f"The {role} person"
        await self.world.access.accounts.add(email, name, role, owner, PASSWORD, NOW)
        return email

    @asynccontextmanager
    async def signed_in(self, role: str = "admin", owner: str = "") -> AsyncIterator["Browser"]:
        email = await self.person(role, owner)
        async with self.client() as client:
            browser = Browser(client)
            answer = await browser.sign_in(email)
            assert answer.status_code == 303, answer.text
            yield browser


class Browser:
    """What a browser without JavaScript does: it follows redirects of forms and sends their hidden fields."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        page = await self.client.get("/sign-in")
        fields = {"email": email, "password": password, "csrf": csrf(page.text)}
        return await self.client.post("/sign-in", data=fields)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={"accept": "text/html", **headers})

    async def post(self, path: str, on: str = "/", **fields: str | list[str]) -> httpx.Response:
        """Send the form as it stands on the page `on`; the page it leads to."""
        page = await self.get(on)
        data = {"csrf": csrf(page.text), **fields}
        answer = await self.client.post(path, data=data, headers={"accept": "text/html"})
        return await self.get(answer.headers["location"]) if answer.is_redirect else answer


def csrf(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found, text
    return found[1]
