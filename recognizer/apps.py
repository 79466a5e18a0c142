from django.apps import AppConfig


class RecognizerConfig(AppConfig):
    name = "recognizer"
    verbose_name = "Digit recognizer"

    def ready(self) -> None:
        # These modules register system checks and signal handlers.
        from recognizer import checks, sqlite_file  # noqa: F401
