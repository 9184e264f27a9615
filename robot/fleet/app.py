"""The dashboard as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from robot.fleet import entrance, pages
from robot.fleet.guard import Guard
from robot.fleet.live import Feed
from robot.fleet.looking import Platform
from robot.fleet.people.door import Door, form_token


def create_app(platform: Platform, hosts: Iterable[str] = ()) -> FastAPI:
    """The application over a platform; `hosts` are further host names it answers to; `app.state.feed` is its feed."""
    feed = Feed(platform)

    @asynccontextmanager
    async def live(_app: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(feed.run())
        yield
        feed.stop()
        await watcher

    app = FastAPI(
        title="Hani fleet",
        lifespan=live,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        dependencies=[Depends(form_token)],
    )
    app.state.platform = platform
    app.state.feed = feed
    app.include_router(entrance.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    app.add_exception_handler(HTTPException, pages.refused)
    app.add_exception_handler(RequestValidationError, pages.refused)
    app.add_exception_handler(SQLAlchemyError, pages.silent)
    app.add_middleware(Door, database=platform.database, rules=platform.site.sign_in, clock=platform.clock)
    app.add_middleware(Guard, hosts=tuple(hosts))
    return app
