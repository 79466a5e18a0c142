from django.apps import AppConfig


class RecognizerConfig(AppConfig):
    name = "recognizer"
    verbose_name = "Digit recognizer"

    def ready(self) -> None:
        # These modules register system checks and signal handlers.
        from recognizer import checks  # noqa: F401
        from recognizer.database import sqlite_file  # noqa: F401
