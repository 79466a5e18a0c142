"""Concurrent changes of the same rows: the second writer waits, and neither fails."""

from threading import Event, Thread

import pytest
from django.db import connection
from django.db.models.deletion import Collector
from django.utils import timezone

from recognizer import comparison, drawings, registry, review_queue
from recognizer.models import Digit, Drawing, ModelVersion, RepeatReview, Source
from tools.samples import ONE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


class Writer(Thread):
    """A thread that writes on its own database connection."""

    def __init__(self, write):
        super().__init__()
        self.write, self.failure = write, None
        self.began, self.pid = Event(), None

    def run(self):
        try:
            with connection.execute_wrapper(self._note_statement):
                self.write()
        except Exception as error:
            self.failure = error
        finally:
            connection.close()
            self.began.set()

    def wait_until_blocked(self):
        """Wait until a lock blocks the writer, or until it has finished.

        SQLite cannot report its waiting writers; wait for the first statement instead.
        """
        self.began.wait()
        blocked = connection.vendor != "postgresql"
        while self.is_alive() and not blocked:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_blocking_pids(%s) <> '{}'", [self.pid])
                (blocked,) = cursor.fetchone()

    def finish(self):
        self.join()
        assert self.failure is None

    def _note_statement(self, execute, *arguments):
        if connection.vendor == "postgresql":
            self.pid = connection.connection.info.backend_pid
        self.began.set()
        return execute(*arguments)


@pytest.fixture
def write_during(monkeypatch):
    """Return a function that starts a writer at the first call of a function.

    The called function continues when the writer is blocked or has finished.
    """

    def start(owner, name, write):
        function = getattr(owner, name)
        writer = Writer(write)

        def called(*arguments, **options):
            monkeypatch.setattr(owner, name, function)
            writer.start()
            writer.wait_until_blocked()
            return function(*arguments, **options)

        monkeypatch.setattr(owner, name, called)
        return writer

    return start


def test_save_during_delete_stores_the_new_strokes(write_during, saved_drawing):
    writer = write_during(
        Collector, "delete", lambda: drawings.save(saved_drawing.id, ONE, Source.PAGE)
    )
    drawings.delete_by_id(saved_drawing.id)
    writer.finish()
    assert Digit.objects.get().drawing.strokes == ONE


def test_delete_during_label_deletes_the_drawing(write_during, saved_drawing, admin_user):
    pk = saved_drawing.digits.get().pk
    writer = write_during(
        drawings, "label_as_reviewer", lambda: drawings.delete_by_id(saved_drawing.id)
    )
    review_queue.label(pk, "7", "", admin_user)
    writer.finish()
    assert not Drawing.objects.exists()


def test_digit_form_after_concurrent_save_reports_a_replaced_drawing(
    saved_drawing, admin_client, static_files, monkeypatch
):
    url = f"/admin/recognizer/digit/{saved_drawing.digits.get().pk}/change/"
    held = review_queue.lock_digit

    def save_first(pk):
        drawings.save(saved_drawing.id, ONE, Source.PAGE)
        return held(pk)

    monkeypatch.setattr(review_queue, "lock_digit", save_first)
    response = admin_client.post(url, {"label": "7", "initial-label": ""})
    assert response.context["adminform"].form.errors.keys() == {"label"}
    assert Digit.objects.get().label == ""


def test_delete_during_repeat_review_deletes_the_drawing(
    write_during, saved_drawing, admin_user, monkeypatch
):
    review_queue.label(saved_drawing.digits.get().pk, "7", "", admin_user)
    writer = write_during(
        RepeatReview.objects, "get_or_create", lambda: drawings.delete_by_id(saved_drawing.id)
    )
    monkeypatch.setattr("random.random", lambda: 0.0)
    assert review_queue.start_repeat_review(1, admin_user).first == "7"
    writer.finish()
    assert not Drawing.objects.exists()


def test_delete_during_save_leaves_no_orphaned_digits(write_during, saved_drawing):
    writer = write_during(Drawing, "is_reviewed", lambda: drawings.delete(Drawing.objects.all()))
    drawings.save(saved_drawing.id, ONE, Source.PAGE)
    writer.finish()
    assert Digit.objects.count() == Drawing.objects.count() == 0


def test_promote_does_not_block_writers_during_the_comparison(candidate, admin_user, monkeypatch):
    now = timezone.now()

    def compare_while_writing(*models):
        writer = Writer(lambda: ModelVersion.objects.update(created_at=now))
        writer.start()
        writer.finish()
        return comparison.compare(*models)

    monkeypatch.setattr(registry, "compare", compare_while_writing)
    registry.promote(candidate, admin_user)
    assert ModelVersion.promoted_sha256() == candidate.sha256
    assert ModelVersion.objects.get().created_at == now
