"""Admin pages; importing this package registers them with Django's admin site."""

from recognizer.admin import digits, drawings, models

__all__ = ["digits", "drawings", "models"]
