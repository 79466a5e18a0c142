"""The WSGI application, for gunicorn and any other WSGI server."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from mnist_site.load_shedding import LoadShedder
from recognizer.telemetry import metrics

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mnist_site.settings")
application = LoadShedder(
    get_wsgi_application(),
    largest=settings.MAX_PICTURE_BYTES,
    queued=metrics.WAITING.inc,
    refused=metrics.REFUSED.inc,
)
