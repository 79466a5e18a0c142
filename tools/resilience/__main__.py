"""Trials of docs/security.md: python -m tools.resilience [--short] [NAME …], at most 15 minutes.

Starts the Procfile's command on SQLite and on PostgreSQL and attacks it as the internet would.
Contacts only this machine. Exits with 1 if a promise fails.
"""

import sys
from argparse import ArgumentParser

from tools.postgres import postgres
from tools.resilience.damaged_database import damaged_database
from tools.resilience.odd_pictures import odd_pictures
from tools.resilience.server import Result
from tools.resilience.storage import (
    frozen_database,
    full_disk,
    killed_processes,
    locked_database,
    stopped_database,
)
from tools.resilience.traffic import (
    hostile_requests,
    memory_growth,
    overload,
    proxy,
    rate_limit,
    silent_connections,
    slow_clients,
    stalled_readers,
)

TRIALS = {
    trial.__name__: trial
    for trial in (
        hostile_requests,
        odd_pictures,
        killed_processes,
        locked_database,
        full_disk,
        damaged_database,
        stopped_database,
        frozen_database,
        overload,
        slow_clients,
        silent_connections,
        stalled_readers,
        proxy,
        rate_limit,
        memory_growth,
    )
}


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="reduced load")
    # argparse compares the empty list of names with the choices too.
    choices = [*TRIALS, []]
    parser.add_argument("names", nargs="*", choices=choices, metavar="NAME", help=", ".join(TRIALS))
    options = parser.parse_args()
    rows = []
    with postgres() as url:
        for database, database_url in (("SQLite", None), ("PostgreSQL", url)):
            for name in options.names or TRIALS:
                for result in TRIALS[name](database_url, short=options.short):
                    rows.append((database, result))
                    print(format_row(database, result), flush=True)
    print("\n".join(["", *(format_row(database, result) for database, result in rows)]))
    return 0 if all(result.holds for _, result in rows) else 1


def format_row(database: str, result: Result) -> str:
    status = "holds" if result.holds else "FAILS"
    return (
        f"| {status} | {database:10} | {result.promise:18} | {result.trial:33} | {result.outcome}"
    )


if __name__ == "__main__":
    sys.exit(main())
