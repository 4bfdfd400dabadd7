"""Who uses the project."""

import hashlib
from datetime import UTC, datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from config.database import Base, db


def now() -> datetime:
    return datetime.now(UTC)


class User(Base):
    """A person, known by an e-mail address in lower case."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str] = mapped_column(String(128))
    date_joined: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    last_login: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_staff: Mapped[bool] = mapped_column(default=False)
    sessions: Mapped[list["Session"]] = relationship(back_populates="user", cascade="all, delete-orphan")

    __table_args__ = (
        CheckConstraint(email == func.lower(email), name="email_lowercase"),
        # Whoever comes after somebody who has left gets another number: SQLite would give the last one again.
        {"sqlite_autoincrement": True},
    )

    @validates("email")
    def to_lower_case(self, name: str, email: str) -> str:
        return email.lower()

    @classmethod
    def find(cls, email: str) -> "User | None":
        user: User | None = db.session.scalar(db.select(cls).filter_by(email=email.lower()))
        return user

    @property
    def fingerprint(self) -> str:
        """Changes with the password, the address, each log-in and a deactivation: a link that carries it works once."""
        state = f"{self.password} {self.email} {self.is_active} {self.last_login}"
        return hashlib.sha256(state.encode()).hexdigest()[:32]


class Session(Base):
    """Somebody who is logged in: the cookie holds a token, and this its hash. The token names the password, hashed."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now, index=True)
    user: Mapped[User] = relationship(back_populates="sessions")
