"""The tables of the engine that runs jobs; on PostgreSQL only, where it runs."""

from alembic import op

from runtime import framework

revision = "jobs_0001"
down_revision = None
# Beside the project's own revisions.
branch_labels = ("jobs",)
depends_on = None


def upgrade() -> None:
    framework.migrate_jobs(op.get_bind(), until="03.04.00_50_post_add_retry_failed_job_procedure")


def downgrade() -> None:
    framework.drop_jobs(op.get_bind())
