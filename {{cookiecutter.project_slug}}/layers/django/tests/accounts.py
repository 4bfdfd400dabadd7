"""Somebody with an account, for the tests."""

from accounts.models import User

PASSWORD = "a fine old horse"


class Person:
    """Somebody who has an account and whose password is PASSWORD."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.user = User.objects.create_user(address, PASSWORD)

    def deactivate(self) -> None:
        self.user.is_active = False
        self.user.save()
