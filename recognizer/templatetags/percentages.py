"""Template filters for percentages."""

from django import template

register = template.Library()


@register.filter
def percent(share: float, decimals: int = 1) -> str:
    return f"{share:.{decimals}%}"
