"""A process that syncs the audience of tests.support.lists once, or hangs in the batch of that number:
`python -m tests.support.list_process DB ADS [NUMBER]`.
"""

import asyncio
import sys

import httpx

from nurture.audiences.keeper import AudienceKeeper
from nurture.delivery.ads.meta import MetaAudiences
from nurture.store.database import Database
from tests.support.domain import NOW
from tests.support.lists import Lists, Mortal


async def main(database: str, ads: str, hangs_in: str = "0") -> None:
    lists = Lists(Database(database))
    async with httpx.AsyncClient() as http:
        sink = Mortal(MetaAudiences(http, ads, "v26.0", "t"), batch_size=5)
        sink.dies = ["" for _ in range(1, int(hangs_in))] + ["hangs"] * (hangs_in != "0")
        keeper = AudienceKeeper(lists.world.outbox, lists.world.shelf, {"meta": sink})
        await keeper.sync("pros", NOW)
    await lists.world.db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
