"""Health probes, and responses without a usable database."""

import pytest
from django.db import DatabaseError, OperationalError, connection

from recognizer.models import Drawing


@pytest.mark.django_db
def test_probes_of_a_working_site_succeed(client):
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}


@pytest.mark.database
@pytest.mark.django_db
def test_ready_without_database_and_model_names_both(client, no_model, monkeypatch):
    def fail():
        raise DatabaseError

    monkeypatch.setattr(connection, "cursor", fail)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert set(response.json()["problems"]) == {"database", "model"}
    assert client.get("/health/live").status_code == 200


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize("lose", ["DELETE FROM django_migrations", "DROP TABLE django_migrations"])
def test_ready_without_migrations_names_them(client, lose):
    with connection.cursor() as cursor:
        cursor.execute(lose)
    response = client.get("/health/ready")
    assert response.status_code == 503
    problem = response.json()["problems"]["database"]
    assert problem.startswith("Unapplied migrations: ")
    assert "recognizer.0001_release_0_1_0, recognizer.0009" in problem
    assert problem.endswith(". Run: python manage.py migrate")


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite
def test_full_sqlite_database_gives_503_until_it_has_space(client, put):
    with connection.cursor() as cursor:
        # Remove free pages, which deleted rows of other tests leave.
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        statuses = [put().status_code for _ in range(100)]
        assert set(statuses) == {201, 503}
        assert Drawing.objects.count() == statuses.count(201)
        assert client.get("/health/ready").json()["problems"] == {"database": "full"}
        cursor.execute("PRAGMA max_page_count = 4294967294")
    assert put().status_code == 201
    assert client.get("/health/ready").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/drawings/8f14e45f-ceea-467f-a0e6-0123456789ab", "/admin/"])
def test_page_without_a_database_gets_503(admin_client, monkeypatch, url):
    def fail(*arguments, **options):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", fail)
    admin_client.raise_request_exception = False
    response = admin_client.get(url)
    assert response.status_code == 503
    assert response["Retry-After"]
    assert b"disk" not in response.content
