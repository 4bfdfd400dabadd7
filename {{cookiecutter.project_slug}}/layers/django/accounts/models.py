"""Who uses the project."""

import hashlib
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import passwords


class AddressField(models.EmailField):
    """An e-mail address, stored and looked up in lower case."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return value.lower() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        passwords.MaximumLengthValidator().validate(password or "")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by an e-mail address."""

    email = AddressField("e-mail address", unique=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    is_active = models.BooleanField("active", default=True, help_text="May log in.")
    is_staff = models.BooleanField("staff", default=False, help_text="May use the admin.")

    objects = UserManager()

    USERNAME_FIELD = "email"

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="accounts_user_email_lowercase"),
        )

    def clean(self) -> None:
        """Nothing: what the base class does to an address, the field does."""

    @property
    def fingerprint(self) -> str:
        """Changes with the password, the address, each log-in and a deactivation: a link that carries it works once."""
        state = f"{self.password} {self.email} {self.is_active} {self.last_login}"
        return hashlib.sha256(state.encode()).hexdigest()[:32]

    def replace_password(self, password: str) -> bool:
        """Store a new password in place of the one that was read.

        Return False where the account has changed meanwhile: of several attempts at once one succeeds.
        """
        new = make_password(password)
        unchanged = User.objects.filter(pk=self.pk, email=self.email, password=self.password, is_active=True)
        if not unchanged.update(password=new):
            return False
        self.password = new
        return True
