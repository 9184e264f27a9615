"""The enrolment service: HTTPS with the authority's own server certificate; robots pin the authority by its paper.

    python -m robot.fleet.identity.serve --port 8443 --data .hani/fleet [--host 0.0.0.0]

It alone reads the authority's key while it runs: it is a process apart from pages and ingest.
"""

from __future__ import annotations

import argparse
import logging
import signal
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from robot.errors import LinkFault
from robot.fleet import audit, process
from robot.fleet.database import Database, open_database
from robot.fleet.identity import broker_link, connections, registry
from robot.fleet.identity.attempts import Attempts
from robot.fleet.identity.authority import Authority, Layout, open_authority, pem
from robot.fleet.identity.commands import add_folder, layout_of
from robot.fleet.identity.registry import Answer, Refused
from robot.fleet.identity.upkeep import Upkeep
from robot.reporting.enrolment import PATH, EnrolRequest, Refusal, RenewRequest, StandingRequest

LARGEST_BODY_BYTES = 32 * 1024
STATUS = {"request": 422, "too_large": 413, "too_many": 429, "claim_used": 409, "claim_expired": 410}  # others: 403

logger = logging.getLogger(__name__)

Asked = TypeVar("Asked", bound=BaseModel)


class Desk:
    """Answers robots: one transaction an answer, then the broker is told what ended."""

    def __init__(
        self,
        database: Database,
        authority: Authority,
        layout: Layout,
        clock: Callable[[], float] = time.time,
        attempts: Attempts | None = None,
    ) -> None:
        self._database, self.authority, self._layout = database, authority, layout
        self._clock = clock
        self._attempts = attempts or Attempts()

    def enrol(self, body: bytes, address: str) -> Response:
        """A claim for a certificate. Wrong ones are counted, and written into the audit without the claim."""
        now_s = self._clock()
        wait_s = self._attempts.wait_s(address, now_s)
        if wait_s > 0:
            refusal = Refused("too_many", f"too many wrong claims: try again in {wait_s / 60 + 1:.0f} minutes")
            return _refuse(refusal, int(wait_s) + 1)
        response, code = self._answer(EnrolRequest, body, registry.enrol)
        if code.startswith("claim_"):
            self._attempts.failed(address, now_s)
            self._note(code, address, now_s)
        return response

    def renew(self, body: bytes) -> Response:
        return self._answer(RenewRequest, body, registry.renew)[0]

    def standing(self, body: bytes) -> Response:
        return self._answer(StandingRequest, body, registry.standing)[0]

    def _answer(
        self, model: type[Asked], body: bytes, act: Callable[[Session, Authority, Asked, float], Answer]
    ) -> tuple[Response, str]:
        """The response, and the code of a refusal."""
        now_s = self._clock()
        try:
            asked = _read(model, body)
            with self._database.write() as session:
                answer = act(session, self.authority, asked, now_s)
        except Refused as refused:
            logger.warning("a robot is refused: %s", refused.code)
            return _refuse(refused), refused.code
        except SQLAlchemyError as error:
            logger.error("the database refuses: %s", type(error).__name__)
            return _refuse(Refused("later", "the platform cannot answer now: try again"), 30, 503), "later"
        if answer.changes_lists:
            self._enforce(now_s)
        return JSONResponse(answer.message.model_dump()), ""

    def _note(self, code: str, address: str, now_s: float) -> None:
        detail = {"code": code, "address": address}
        try:
            with self._database.write() as session:
                audit.append(
                    session, at_s=now_s, actor="robot", action="identity.refused", subject="enrolment", detail=detail
                )
        except SQLAlchemyError as error:
            logger.error("a refusal is not in the audit: %s", type(error).__name__)

    def _enforce(self, now_s: float) -> None:
        """At once if it can be; what cannot stays owed, and Upkeep works it off."""
        try:
            broker_link.enforce(self._database, self.authority, self._layout, now_s)
        except (LinkFault, OSError, SQLAlchemyError) as error:
            logger.error("a revocation has not reached the broker and is tried again: %s", error)


def create_app(desk: Desk) -> FastAPI:
    """The service as an ASGI application."""
    app = FastAPI(title="Hani enrolment", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get(f"{PATH}/authority")
    def authority() -> PlainTextResponse:
        return PlainTextResponse(pem(desk.authority.certificate), media_type="application/x-pem-file")

    @app.post(f"{PATH}/enrol")
    async def enrol(request: Request, body: Annotated[bytes | None, Depends(_body)]) -> Response:
        address = request.client.host if request.client else ""
        return await run_in_threadpool(desk.enrol, body, address) if body is not None else _too_large()

    @app.post(f"{PATH}/renew")
    async def renew(body: Annotated[bytes | None, Depends(_body)]) -> Response:
        return await run_in_threadpool(desk.renew, body) if body is not None else _too_large()

    @app.post(f"{PATH}/standing")
    async def standing(body: Annotated[bytes | None, Depends(_body)]) -> Response:
        return await run_in_threadpool(desk.standing, body) if body is not None else _too_large()

    return app


async def _body(request: Request) -> bytes | None:
    """The body, read no further than it may be long; None when it is longer."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY_BYTES:
            return None
    return body


def _read(model: type[Asked], body: bytes) -> Asked:
    try:
        return model.model_validate_json(body)
    except (ValidationError, ValueError, RecursionError):
        # not `from error`: pydantic's text repeats the input, and that is a claim
        raise Refused("request", "this is no request of the enrolment protocol, version 1") from None


def _refuse(refused: Refused, retry_s: int | None = None, status: int | None = None) -> Response:
    refusal = Refusal(code=refused.code, message=str(refused))
    headers = {"Retry-After": str(retry_s)} if retry_s is not None else None
    return JSONResponse(refusal.model_dump(), status or STATUS.get(refused.code, 403), headers)


def _too_large() -> Response:
    return _refuse(Refused("too_large", "the request is longer than any of this protocol"))


def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    layout = layout_of(arguments)
    authority = open_authority(layout)
    process.allow_files()
    with process.listen(arguments.host, arguments.port) as listener:
        database = open_database(arguments.data, arguments.database_url)
        config = uvicorn.Config(
            create_app(Desk(database, authority, layout)),
            log_level="warning",
            access_log=False,
            server_header=False,
            ssl_certfile=layout.server,
            http=connections.Brief,
            limit_concurrency=connections.IN_ALL,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=3,
        )
        config.load()
        upkeep = Upkeep(database, authority, layout, lambda: _take_up(config.ssl, layout))
        upkeep.start()
        for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again after its orderly end
            signal.signal(number, lambda *_: None)
        logger.info("enrolment at https://%s:%s%s", *listener.getsockname()[:2], PATH)
        uvicorn.Server(config).run(sockets=[listener])
        upkeep.stop()
        database.close()


def _take_up(context: ssl.SSLContext | None, layout: Layout) -> None:
    """Show the server certificate as it is now, from the next connection on."""
    if context is not None:
        context.load_cert_chain(layout.server)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve. Returns 0, or 1 after one line on stderr."""
    parser = process.arguments("identity.serve", "give robots their certificates")
    add_folder(parser)
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets robots of the network in; always HTTPS")
    parser.add_argument("--port", type=int, default=8443, help="0 takes a free one")
    arguments = parser.parse_args(argv)
    return process.run("identity", lambda: serve(arguments))


if __name__ == "__main__":
    sys.exit(main())
