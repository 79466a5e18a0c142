"""How often one address may ask, counted together by all workers of a server.

gunicorn loads this module before it forks (gunicorn.conf.py), so that its workers share the table
below. It knows no address: each has a place that a key made at start gives it, and there stands the
moment until which its requests are accounted for, should they be spread evenly (GCRA, ITU-T I.371).
"""

import hashlib
import mmap
import secrets
from ipaddress import AddressValueError, IPv6Address
from threading import Lock
from time import monotonic

# So many that two of a few hundred addresses hardly ever share one.
PLACES = 1 << 17
WINDOW = 60.0  # seconds


class RateLimiter:
    """Counts requests by address. Threads take turns.

    Two processes that count the same address in the same microsecond may count one request of the
    two. A lock between them would outlive a worker that was killed.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._until = memoryview(mmap.mmap(-1, 8 * PLACES)).cast("d")
        self._lock = Lock()

    def wait(self, address: str, limit: int, now: float | None = None) -> float:
        """Count a request; 0, or the seconds until the address may ask again.

        It may ask ``limit`` times at once, and what it used comes back evenly over a minute.
        ``now`` is in seconds of the clock that all processes share.
        """
        now = monotonic() if now is None else now
        place = self._place(address)
        with self._lock:
            until = max(self._until[place], now) + WINDOW / limit
            wait = until - now - WINDOW
            # Sums of fractions are not exact.
            if wait > 1e-6:
                return wait
            self._until[place] = until
        return 0.0

    def _place(self, address: str) -> int:
        digest = hashlib.blake2b(network(address), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") % PLACES


def network(address: str) -> bytes:
    """What one client has for itself: an address, or the first 64 bits of an IPv6 one."""
    try:
        ip = IPv6Address(address)
    except AddressValueError:
        return address.encode()
    # A proxy that listens to both names IPv4 addresses this way.
    return str(ip.ipv4_mapped).encode() if ip.ipv4_mapped else ip.packed[:8]


rate_limiter = RateLimiter()
