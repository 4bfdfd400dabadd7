"""What a test needs of jobs: they run where they are asked for, on PostgreSQL too, unless it collects them."""

import pytest
from procrastinate.jobs import Job

from runtime.jobs import jobs


@pytest.fixture(autouse=True)
def jobs_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is there to run a job."""
    monkeypatch.setattr(jobs.job_manager, "elsewhere", jobs.run_at_once)


@pytest.fixture
def deferred(jobs_run_at_once: None, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that are asked for meanwhile, which do not run: each has its task_name and its task_kwargs."""
    collected: list[Job] = []
    monkeypatch.setattr(jobs.job_manager, "elsewhere", collected.extend)
    return collected
