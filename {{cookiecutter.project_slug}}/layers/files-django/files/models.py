"""What visitors have sent."""

import functools
import logging

from django.conf import settings
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from files import rules
from runtime import kinds, storage
from runtime.services import UnavailableError

logger = logging.getLogger(__name__)


class File(models.Model):
    """A file of somebody's, which nobody else can see."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="files")
    file = models.FileField(upload_to=rules.FOLDER, unique=True)
    title = models.CharField(max_length=rules.TITLE_LENGTH)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created", "-id")

    def __str__(self) -> str:
        return self.title

    @property
    def is_picture(self) -> bool:
        return self.media_type in kinds.PICTURES

    @property
    def url(self) -> str:
        """Where a browser gets it, for an hour."""
        return storage.current().url(self.file.name or "", self.title)


@receiver(post_delete, sender=File)
def drop(sender: type[File], instance: File, **more: object) -> None:
    """Drop the file once its row is gone for good, as with its owner's account."""
    transaction.on_commit(functools.partial(drop_file, instance.file.name or ""))


def drop_file(name: str) -> None:
    try:
        storage.current().delete(name)
    except (OSError, UnavailableError) as error:
        logger.warning(f"A file is left for `python manage.py clean_files`: {error}")
