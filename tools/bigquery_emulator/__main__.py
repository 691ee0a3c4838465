"""The command line: `install`, or `serve`, which prints the environment to export and runs until stopped."""

import argparse
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from tools.bigquery_emulator import install, serve
from tools.bigquery_emulator.errors import EmulatorError


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser("bigquery_emulator", description="BigQuery on this machine, for tests")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="make its environment")
    server = commands.add_parser("serve", help="run it until Ctrl-C")
    server.add_argument("--port", type=int, default=0, help="a free one when not given")
    server.add_argument("--folder", type=Path, help="where its files lie; a temporary folder when not given")
    options = parser.parse_args()
    if options.command == "install":
        install()
        return
    # Either way of stopping it ends the emulator too.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as temporary, serve(options.folder or Path(temporary), options.port) as emulator:
        for name, value in emulator.environment.items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except EmulatorError as error:
        sys.exit(str(error))
