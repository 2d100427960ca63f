"""Passwords: who is not known takes as much work as who is, so that nobody learns who has an account."""

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from nurture.access.passwords import Passwords

RIGHT = "a password of mine"


class Watched(PasswordHasher):
    """Keeps what every comparison that was made to its end cost."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.paid: list[object] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        try:
            return super().verify(hash, password)
        except VerifyMismatchError:
            self.paid.append(extract_parameters(str(hash)))
            raise


async def test_a_stranger_costs_as_much_as_a_wrong_password() -> None:
    hasher = Watched()
    passwords = Passwords(hasher)
    kept = await passwords.hash(RIGHT)
    assert await passwords.matches(kept, RIGHT)
    assert not await passwords.matches(kept, "another password")
    assert not await passwords.matches("", RIGHT)
    wrong, stranger = hasher.paid
    assert stranger == wrong
