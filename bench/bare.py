"""What touches are measured against: a FastAPI app that validates the same JSON and does one bulk insert.

`python -m bench.bare DATABASE_URL PORT`
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlalchemy import JSON, Column, DateTime, MetaData, String, Table, insert

from nurture.store.database import Database

TOUCH = Table(
    "touch",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("lead", String, index=True),
    Column("name", String),
    Column("at", DateTime(timezone=True)),
    Column("properties", JSON),
)


Id = Annotated[str, Field(min_length=1, max_length=255)]


class Message(BaseModel):
    type: Literal["identify", "track", "page", "screen", "group", "alias"] = "track"
    messageId: Annotated[str, Field(max_length=100)]
    userId: Id
    anonymousId: Id | None = None
    event: str | None = None
    name: str | None = None
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    timestamp: datetime | None = None
    sentAt: datetime | None = None


class Batch(BaseModel):
    batch: list[Message]
    writeKey: str


def app(db: Database) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with db.write() as session:
            await (await session.connection()).run_sync(TOUCH.metadata.create_all)
        yield
        await db.close()

    bare = FastAPI(lifespan=lifespan)

    async def store(messages: list[Message]) -> dict[str, int]:
        now = datetime.now(UTC)
        rows = [
            {
                "id": message.messageId,
                "lead": message.userId,
                "name": message.event or message.type,
                "at": message.timestamp or now,
                "properties": message.properties,
            }
            for message in messages
        ]
        async with db.write() as session:
            await session.execute(insert(TOUCH), rows)
        return {"accepted": len(rows)}

    @bare.get("/healthz")
    async def healthz() -> str:
        return "ok"

    @bare.post("/v1/batch")
    async def batch(body: Batch) -> dict[str, int]:
        return await store(body.batch)

    @bare.post("/v1/page")
    async def page(body: Message) -> dict[str, int]:
        return await store([body])

    return bare


if __name__ == "__main__":
    uvicorn.run(app(Database(sys.argv[1])), port=int(sys.argv[2]), log_config=None, loop="uvloop")
