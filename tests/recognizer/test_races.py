"""Two at the same drawing: whoever comes second waits, and neither breaks."""

import time
from threading import Thread

import pytest
from django.db import connection
from django.db.models.deletion import Collector

from recognizer import drawings, review_queue
from recognizer.models import Digit, Drawing, RepeatReview

pytestmark = pytest.mark.django_db(transaction=True)

ONE = [[[100, 10, 0], [100, 250, 90]]]


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something in another thread as soon as a function is called, which goes on a bit later."""
    threads, failures = [], []

    def arrange(owner, name, work):
        function = getattr(owner, name)

        def act():
            try:
                work()
            except Exception as error:
                failures.append(error)
            finally:
                connection.close()

        def called(*arguments, **options):
            monkeypatch.setattr(owner, name, function)
            threads.append(Thread(target=act))
            threads[0].start()
            time.sleep(0.3)
            return function(*arguments, **options)

        monkeypatch.setattr(owner, name, called)

    def end():
        (thread,) = threads
        thread.join()
        assert failures == []

    arrange.end = end
    return arrange


def test_other_ink_is_kept_while_a_drawing_is_forgotten(meanwhile, kept):
    meanwhile(Collector, "delete", lambda: drawings.save(kept.id, ONE, "page"))
    drawings.delete_by_id(kept.id)
    meanwhile.end()
    assert Digit.objects.get().drawing.strokes == ONE


def test_a_drawing_is_forgotten_while_it_is_labeled(meanwhile, kept, admin_user):
    pk = kept.digits.get().pk
    meanwhile(drawings, "label_as_reviewer", lambda: drawings.delete_by_id(kept.id))
    review_queue.label(pk, "7", "", admin_user)
    meanwhile.end()
    assert not Drawing.objects.exists()


def test_other_ink_is_kept_while_the_form_of_a_digit_is_saved(kept, admin_client, static_files):
    address = f"/admin/recognizer/digit/{kept.digits.get().pk}/change/"
    lock_digit = review_queue.lock_digit

    def late(pk):
        drawings.save(kept.id, ONE, "page")
        return lock_digit(pk)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review_queue, "lock_digit", late)
        answer = admin_client.post(address, {"label": "7", "initial-label": ""})
    assert "was deleted" in answer.content.decode()


def test_a_drawing_is_forgotten_while_it_is_dealt_again(meanwhile, kept, admin_user):
    review_queue.label(kept.digits.get().pk, "7", "", admin_user)
    meanwhile(RepeatReview.objects, "get_or_create", lambda: drawings.delete_by_id(kept.id))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("random.random", lambda: 0.0)
        assert review_queue.start_repeat_review(1, admin_user).first == "7"
    meanwhile.end()
    assert not Drawing.objects.exists()


def test_drawings_are_deleted_while_other_ink_is_kept(meanwhile, kept):
    meanwhile(Drawing, "is_reviewed", lambda: drawings.delete(Drawing.objects.all()))
    drawings.save(kept.id, ONE, "page")
    meanwhile.end()
    assert Digit.objects.count() == Drawing.objects.count()
