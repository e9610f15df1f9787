"""Shares in percent."""


def percent(share: float) -> str:
    """A share (0 to 1) in percent."""
    return f"{100 * share:.1f} %"


def between(interval: tuple[float, float]) -> str:
    """An interval of shares in percent."""
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"
