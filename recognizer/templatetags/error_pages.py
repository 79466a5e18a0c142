"""Template tags of the error pages."""

from django import template
from django.templatetags.static import static

register = template.Library()


@register.simple_tag
def static_if_collected(path: str) -> str:
    """Return the URL of a static file, "" without collected files: an error page must not fail."""
    try:
        return static(path)
    except ValueError:
        return ""
