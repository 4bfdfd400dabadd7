"""Somebody with an account, for the tests."""

from argon2 import PasswordHasher

from accounts import passwords
from accounts.models import User
from config.database import db
from config.wsgi import application

PASSWORD = "a fine old horse"

# Slow hashes would be half of what the tests take.
passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Person:
    """Somebody who has an account and whose password is PASSWORD."""

    def __init__(self, address: str) -> None:
        self.address = address
        with application.app_context():
            db.session.add(User(email=address, password=passwords.hasher.hash(PASSWORD)))
            db.session.commit()

    def deactivate(self) -> None:
        self.change(is_active=False)

    def move(self, address: str) -> None:
        """Have another address."""
        self.change(email=address)
        self.address = address

    def stored_password(self) -> str:
        with application.app_context():
            return self.find().password

    def change(self, **values: object) -> None:
        with application.app_context():
            user = self.find()
            for name, value in values.items():
                setattr(user, name, value)
            db.session.commit()

    def find(self) -> User:
        user = User.find(self.address)
        assert user
        return user
