"""Rate limit per client address with the generic cell rate algorithm (GCRA, ITU-T I.371).

gunicorn.conf.py imports this module before the fork, so that all workers share one table. It
contains no addresses: a keyed hash maps each address to the index of a theoretical arrival time.
"""

import hashlib
import mmap
import secrets
from ipaddress import AddressValueError, IPv6Address
from threading import Lock
from time import monotonic

# Collisions of a few hundred addresses are rare.
TABLE_SIZE = 1 << 17
PERIOD = 60.0  # seconds; also the burst tolerance


class RateLimiter:
    """A table of theoretical arrival times in shared memory.

    The lock covers the threads of one process. Two processes that update the same entry at the
    same time can count one request of two; a shared lock would outlive a killed worker.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._arrival_times = memoryview(mmap.mmap(-1, 8 * TABLE_SIZE)).cast("d")
        self._lock = Lock()

    def wait(self, address: str, limit: int, now: float | None = None) -> float:
        """Count a request; return 0, or the seconds until the next one conforms.

        An address can send a burst of ``limit`` requests, which refills evenly over a minute.
        ``now`` is a time of ``monotonic``, which all processes share.
        """
        now = monotonic() if now is None else now
        digest = hashlib.blake2b(network(address), key=self._key, digest_size=8).digest()
        index = int.from_bytes(digest, "big") % TABLE_SIZE
        with self._lock:
            arrival_time = max(self._arrival_times[index], now) + PERIOD / limit
            wait = arrival_time - now - PERIOD
            # Tolerate rounding errors of summed fractions.
            if wait > 1e-6:
                return wait
            self._arrival_times[index] = arrival_time
        return 0.0


def network(address: str) -> bytes:
    """Return the network of one client: an IPv4 address, or the /64 prefix of an IPv6 address."""
    try:
        ip = IPv6Address(address)
    except AddressValueError:
        return address.encode()
    # Dual-stack proxies write IPv4 addresses as ::ffff:192.0.2.1.
    return str(ip.ipv4_mapped).encode() if ip.ipv4_mapped else ip.packed[:8]


rate_limiter = RateLimiter()
