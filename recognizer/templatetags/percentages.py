"""Template filters for percentages."""

from django import template

register = template.Library()


@register.filter
def percent(share: float, decimals: int = 2) -> str:
    return f"{share:.{decimals}%}"
