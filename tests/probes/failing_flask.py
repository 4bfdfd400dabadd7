"""A migration that fails half-way."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE half_way (id integer)")
    op.execute("INSERT INTO no_such_table VALUES (1)")
