"""Trials of docs/security.md: python -m tools.resilience [--short] [NAME …], at most 15 minutes.

Starts the Procfile's command on SQLite and on PostgreSQL and attacks it as the internet would.
Contacts only this machine. Exits with 1 if a promise fails.
"""

import sys
from argparse import ArgumentParser

from tools.postgres import postgres
from tools.resilience import damaged_database, odd_pictures, storage, traffic
from tools.resilience.server import Result

TRIALS = {
    trial.__name__: trial
    for trial in (
        traffic.hostile_requests,
        odd_pictures.odd_pictures,
        storage.killed_processes,
        storage.locked_database,
        storage.full_disk,
        damaged_database.damaged_database,
        storage.stopped_database,
        storage.frozen_database,
        traffic.overload,
        traffic.slow_clients,
        traffic.silent_connections,
        traffic.stalled_readers,
        traffic.proxy,
        traffic.rate_limit,
        traffic.memory_growth,
    )
}


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="reduced load")
    # argparse compares the empty list of names with the choices too.
    choices = [*TRIALS, []]
    parser.add_argument("names", nargs="*", choices=choices, metavar="NAME", help=", ".join(TRIALS))
    options = parser.parse_args()
    results = []
    with postgres() as url:
        for database, database_url in (("SQLite", None), ("PostgreSQL", url)):
            for name in options.names or TRIALS:
                for result in TRIALS[name](database_url, short=options.short):
                    results.append(result)
                    print(format_row(database, result), flush=True)
    return 0 if all(result.holds for result in results) else 1


def format_row(database: str, result: Result) -> str:
    status = "holds" if result.holds else "FAILS"
    return (
        f"| {status} | {database:10} | {result.promise:18} | {result.trial:33} | {result.outcome}"
    )


if __name__ == "__main__":
    sys.exit(main())
