"""A migration that fails half-way."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL("CREATE TABLE half_way (id integer)"),
        migrations.RunSQL("INSERT INTO no_such_table VALUES (1)"),
    ]
