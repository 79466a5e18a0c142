"""The WSGI application, for gunicorn and other WSGI servers."""

import logging
import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from mnist_site.load_shedding import LoadShedder
from mnist_site.storage import require_static_files
from recognizer.database import waits

# The default of 5 ms per running thread would delay the thread that accepts connections.
sys.setswitchinterval(0.0005)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mnist_site.settings")
application = LoadShedder(
    get_wsgi_application(),
    max_body_size=settings.MAX_PICTURE_BYTES,
    cors_origins=frozenset(settings.CORS_ALLOWED_ORIGINS),
)
require_static_files()
# Commands such as migrate wait without a limit.
waits.max_wait = settings.QUERY_TIMEOUT
if not (settings.HTTPS or settings.LOCAL_ONLY or settings.DEBUG):
    logging.getLogger(__name__).warning(
        "This site serves plain HTTP: passwords and drawings cross the network unencrypted."
        " ALLOWED_HOSTS has only private addresses; any other host enables HTTPS.",
        extra={"fields": {"allowed_hosts": settings.ALLOWED_HOSTS}},
    )
