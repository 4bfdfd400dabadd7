"""The tables of the engine that runs jobs; on PostgreSQL only, where it runs."""

from alembic import op

from runtime.migrations import drop_jobs, migrate_jobs

revision = "jobs_0001"
down_revision = None
# Beside the project's own revisions.
branch_labels = ("jobs",)
depends_on = None


def upgrade() -> None:
    migrate_jobs(op.get_bind(), until="03.04.00_50_post_add_retry_failed_job_procedure")


def downgrade() -> None:
    drop_jobs(op.get_bind())
