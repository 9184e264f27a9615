"""The dashboard's process: pages for caregivers and operators.

python -m robot.fleet.dashboard --port 8080 --data .hani/fleet [--contacts FILE] [--site FILE]
"""

from __future__ import annotations

import argparse
import logging
import resource
import signal
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from robot.errors import BadConfiguration
from robot.fleet import handling, process
from robot.fleet.app import create_app
from robot.fleet.contacts import Contacts, Site, load
from robot.fleet.database import open_database
from robot.fleet.live import Feed
from robot.fleet.looking import Platform
from robot.fleet.people import accounts

SHUTDOWN_S = 3
MOST_CONNECTIONS = 4_000  # open pages; further ones are told 503
FILES_KEPT = 200  # of the process's open files, for the database and the pages' own

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """A server whose live feeds end first, so that open pages do not hold it up."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._feed.stop()
        super().handle_exit(sig, frame)


def connections() -> int:
    """How many connections this process may hold: a connection is an open file, and a shell often allows 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else max(1, min(MOST_CONNECTIONS, hard - FILES_KEPT))


def tls(arguments: argparse.Namespace) -> None:
    """Raises BadConfiguration unless certificate and key are given together and fit each other, or neither is."""
    certificate, key = arguments.tls_certificate, arguments.tls_key
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise BadConfiguration("--tls-certificate and --tls-key belong together; give both")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        raise BadConfiguration(f"{certificate} and {key} cannot be used ({error}); check both files") from error


def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    tls(arguments)
    contacts, site = load(Contacts, arguments.contacts), load(Site, arguments.site)
    with process.listen(arguments.host, arguments.port) as listener:
        database = open_database(arguments.data, arguments.database_url)
        labels = {home.device: home.label for home in contacts.homes}
        handling.label_devices(database, labels, time.time())
        with database.read() as session:
            if not accounts.anybody(session):
                logger.warning(
                    "nobody can sign in yet: `python -m robot.fleet.people --data %s add --help`", arguments.data
                )
        app = create_app(Platform(database, contacts, site), (arguments.host, *site.hosts))
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # login links stand in addresses
            timeout_graceful_shutdown=SHUTDOWN_S,
            limit_concurrency=connections(),
            server_header=False,
            proxy_headers=arguments.behind_proxy,
            forwarded_allow_ips="127.0.0.1,::1",
            ssl_certfile=arguments.tls_certificate,
            ssl_keyfile=arguments.tls_key,
        )
        for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again after its orderly end
            signal.signal(number, lambda *_: None)
        logger.info("dashboard at %s://%s:%s/", "https" if config.is_ssl else "http", *listener.getsockname()[:2])
        Server(config, app.state.feed).run(sockets=[listener])
        database.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve. Returns 0, or 1 after one line on stderr."""
    parser = process.arguments("dashboard", "the platform's pages")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--contacts", type=Path, help="who is called; see config/contacts.example.yaml")
    parser.add_argument("--site", type=Path, help="where this stands; see config/site.example.yaml")
    parser.add_argument("--tls-certificate", type=Path, help="PEM chain; the pages then speak https")
    parser.add_argument("--tls-key", type=Path, help="its PEM key")
    parser.add_argument(
        "--behind-proxy", action="store_true", help="believe X-Forwarded-For and -Proto of a proxy on this machine"
    )
    arguments = parser.parse_args(argv)
    return process.run("dashboard", lambda: serve(arguments))


if __name__ == "__main__":
    sys.exit(main())
