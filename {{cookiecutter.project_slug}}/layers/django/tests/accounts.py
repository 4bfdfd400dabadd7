"""Somebody with an account, for the tests."""

from accounts import passwords
from accounts.models import User

PASSWORD = "a fine old horse"

# Slow hashes would be half of what the tests take.
passwords.Hasher.memory_cost, passwords.Hasher.time_cost = 8, 1


class Person:
    """Somebody who has an account and whose password is PASSWORD."""

    def __init__(self, address: str) -> None:
        self.address = address
        User.objects.create_user(address, PASSWORD)

    def deactivate(self) -> None:
        User.objects.filter(email=self.address).update(is_active=False)

    def move(self, address: str) -> None:
        """Have another address."""
        User.objects.filter(email=self.address).update(email=address)
        self.address = address

    def stored_password(self) -> str:
        return User.objects.get(email=self.address).password
