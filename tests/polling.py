"""Waiting with a timeout, so that tests fail instead of hanging."""

from time import monotonic, sleep

# Seconds; passing tests wait much less.
TIMEOUT = 60


def wait_until(condition, interval=0.01):
    deadline = monotonic() + TIMEOUT
    while not condition():
        assert monotonic() < deadline, f"the condition is still false after {TIMEOUT} seconds"
        sleep(interval)
