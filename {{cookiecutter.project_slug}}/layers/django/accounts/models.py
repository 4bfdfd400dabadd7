"""Who uses the project."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A user of our own from the first migration on: swapping Django's for it later would mean rebuilding tables."""
