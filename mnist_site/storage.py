"""Static files of a deployment: compressed, with content hashes in their names."""

from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage that also rewrites ``import … from "./x.js"`` in ES modules."""

    support_js_module_import_aggregation = True
    # In the worst order of the file system, a chain of imports needs one pass per module.
    max_post_process_passes = 20


def require_static_files() -> None:
    """Raise ImproperlyConfigured unless ``manage.py collectstatic`` has collected every file.

    Without this check, pages that use a missing file would fail with 500. Development needs no
    collected files.
    """
    if not isinstance(staticfiles_storage, HashedStaticFilesStorage):
        return
    for finder in get_finders():
        for path, _ in finder.list(StaticFilesConfig.ignore_patterns):
            if staticfiles_storage.clean_name(path) not in staticfiles_storage.hashed_files:
                raise ImproperlyConfigured(
                    f"The static file {path} is not collected."
                    " Run: python manage.py collectstatic --no-input"
                )
