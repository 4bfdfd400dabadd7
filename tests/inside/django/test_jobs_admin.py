"""Jobs in the admin, where there are any: on PostgreSQL."""

from django.db import connection
from django.test import Client

from accounts.models import User
from tests.accounts import PASSWORD

LIST = "/admin/procrastinate/procrastinatejob/"


def test_the_admin_shows_jobs_and_lets_one_begin_again(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    if connection.vendor != "postgresql":
        assert client.get(LIST, secure=True).status_code == 404
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status) "
            "VALUES ('default', 'shop.tasks.pay', 'failed') RETURNING id"
        )
        ((job,),) = cursor.fetchall()
        page = client.get(LIST, secure=True)
        assert page.status_code == 200
        assert "shop.tasks.pay" in page.content.decode()
        assert client.get(f"{LIST}{job}/change/", secure=True).status_code == 200
        client.post(LIST, {"action": "retry", "_selected_action": job}, secure=True)
        cursor.execute("SELECT status::text FROM procrastinate_jobs WHERE id = %s", [job])
        assert cursor.fetchall() == [("todo",)]
