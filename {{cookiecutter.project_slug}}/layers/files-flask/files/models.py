"""What visitors have sent."""

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, String, event
from sqlalchemy.orm import Mapped, Session, backref, mapped_column, relationship

from accounts.models import User, now
from config.database import Base
from files import rules
from runtime import kinds, storage
from runtime.services import UnavailableError

logger = logging.getLogger(__name__)


class File(Base):
    """A file of somebody's, which nobody else can see."""

    __tablename__ = "files"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    title: Mapped[str] = mapped_column(String(rules.TITLE_LENGTH))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    owner: Mapped[User] = relationship(backref=backref("files", cascade="all, delete-orphan"))

    @property
    def is_picture(self) -> bool:
        return self.media_type in kinds.PICTURES

    @property
    def url(self) -> str:
        """Where a browser gets it, for an hour."""
        return storage.url(self.name, self.title)


@event.listens_for(File, "after_delete")
def remember(mapper: Any, connection: Any, file: File) -> None:
    session = Session.object_session(file)
    if session:
        session.info.setdefault("dropped files", []).append(file.name)


@event.listens_for(Session, "after_commit")
def drop(session: Session) -> None:
    """Drop each file once its row is gone for good, as with its owner's account."""
    for name in session.info.pop("dropped files", []):
        try:
            storage.delete(name)
        except (OSError, UnavailableError) as error:
            logger.warning(f"A file is left for `flask files clean`: {error}")


@event.listens_for(Session, "after_rollback")
def keep(session: Session) -> None:
    session.info.pop("dropped files", None)
