"""The WSGI application, for gunicorn and any other WSGI server."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from mnist_site.door import Door

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mnist_site.settings")
application = Door(get_wsgi_application(), largest=settings.MAX_PICTURE_BYTES)
