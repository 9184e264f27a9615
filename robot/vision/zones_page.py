"""`hani zones`: the device's own page, on which the caregiver draws bed, sofa, floor and what to ignore.

The page is on loopback only, under an address that nobody can guess, and closes by itself. The still of the room is in
memory and is never written; only the corners are.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import TextIO

import cv2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from robot.errors import BadInput, DeviceFault
from robot.messages import PausedBy, Zone
from robot.vision.camera import Camera, DeviceCamera
from robot.vision.pause import Pause, end_own_pause, read_pause, write_pause
from robot.vision.pose import Image
from robot.vision.zones import FILE_NAME, MAX_BYTES, NO_ZONES, CoversTooMuch, Zones, parse_zones, read_zones, save_zones

PAGE = Path(__file__).with_name("page")
FILES = {"": "zones.html", "zones.css": "zones.css", "zones.js": "zones.js"}
OPEN_FOR_S = 900.0  # enough to draw a room; chosen
TAKE_OVER_S = 15.0  # how long the watcher gets to let go of the camera
SETTLE_FRAMES = 15  # a camera's exposure adapts meanwhile
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class ZonesPage:
    """The page's ASGI application, under `path` only; `is_done` once the zones were saved."""

    def __init__(self, still: Image, file: Path) -> None:
        height, width = still.shape[:2]
        ok, jpeg = cv2.imencode(".jpg", still, [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not ok:
            raise DeviceFault("the camera's picture cannot be shown: unplug it and plug it in again")
        self._jpeg, self._picture, self._file = jpeg.tobytes(), (width, height), file
        self.path = f"/{secrets.token_urlsafe(16)}"
        self.is_done = False
        pages = [Route(f"{self.path}/{name}", self._page(file_name)) for name, file_name in FILES.items()]
        self.app = Starlette(
            routes=[
                *pages,
                Route(f"{self.path}/still.jpg", self._still),
                Route(f"{self.path}/zones.json", self._zones, methods=["GET", "POST"]),
            ]
        )

    def _page(self, name: str) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            return _guard(request) or FileResponse(PAGE / name, headers=HEADERS)

        return answer

    def _still(self, request: Request) -> Response:
        return _guard(request) or Response(self._jpeg, media_type="image/jpeg", headers=HEADERS)

    async def _zones(self, request: Request) -> Response:
        refusal = _guard(request)
        if refusal is not None:
            return refusal
        if request.method == "GET":
            return JSONResponse(_polygons(drawn_before(self._file)), headers=HEADERS)
        try:
            drawn = parse_zones(await _body(request), "the page")
            save_zones(self._file, Zones(drawn.bed, drawn.sofa, drawn.floor, drawn.ignore, self._picture))
        except CoversTooMuch as error:
            return PlainTextResponse(f"{error}\n", 422, HEADERS)
        except BadInput as error:
            return PlainTextResponse(f"{error}\n", 400, HEADERS)
        except OSError as error:
            return PlainTextResponse(f"the zones cannot be written: {error.strerror}\n", 507, HEADERS)
        self.is_done = True
        return JSONResponse({}, headers=HEADERS)


def run(camera: Camera, home: Path, out: TextIO, port: int = 0, open_for_s: float = OPEN_FOR_S) -> int:
    """Serve the page until the zones are saved or the time is over; 0 when they were saved. Raises HaniError.

    While somebody has asked the camera to look away, no picture is taken: DeviceFault.
    """
    with looking_away(home) if isinstance(camera, DeviceCamera) else nullcontext():
        still = take_still(camera)
    page = ZonesPage(still, home / FILE_NAME)
    server = _Server(uvicorn.Config(page.app, "127.0.0.1", port, log_level="critical", access_log=False), page)
    server.close_at_s = time.monotonic() + open_for_s
    server.tell = lambda at: print(f"http://127.0.0.1:{at}{page.path}/", file=out, flush=True)
    server.run()
    return 0 if page.is_done else 1


@contextmanager
def looking_away(home: Path) -> Iterator[None]:
    """The watcher lets go of the camera meanwhile, if it runs: a camera serves one process only.

    Raises DeviceFault while somebody has asked the camera to look away, and afterwards if somebody did meanwhile.
    """
    _refuse_in_a_pause(home)
    own = Pause(time.time() + 60.0, PausedBy.BUTTON)
    try:
        write_pause(home, own)
    except OSError as error:
        raise DeviceFault(f"the camera cannot be taken over ({error.strerror}): make room on the disk") from None
    try:
        yield
    finally:
        end_own_pause(home, own)
    _refuse_in_a_pause(home)


def _refuse_in_a_pause(home: Path) -> None:
    pause = read_pause(home, time.time())
    if pause is not None:
        until = time.strftime("%H:%M", time.localtime(pause.until_at_s))
        raise DeviceFault(f"the camera looks away until {until}, as somebody asked: draw the zones afterwards")


def take_still(camera: Camera, now: Callable[[], float] = time.monotonic, within_s: float = TAKE_OVER_S) -> Image:
    """A picture of a camera that may still be in use for a moment; raises DeviceFault, BadInput."""
    until_s = now() + within_s
    while True:
        try:
            frames = camera.frames()
            *_, last = islice(frames, SETTLE_FRAMES)
            frames.close()
        except DeviceFault:
            if now() >= until_s:
                raise
            time.sleep(0.5)
        except ValueError:
            raise DeviceFault("the camera gives no picture: check its cable") from None
        else:
            return last.image


def drawn_before(file: Path) -> Zones:
    """What an earlier visit drew; nothing where the file is missing or broken."""
    try:
        return read_zones(file)
    except BadInput:
        return NO_ZONES


class _Server(uvicorn.Server):
    """Ends by itself; tells its address once it listens."""

    close_at_s = 0.0
    tell: Callable[[int], None]

    def __init__(self, config: uvicorn.Config, page: ZonesPage) -> None:
        super().__init__(config)
        self._page = page
        self._done_at_s: float | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # its sockets' type
        await super().startup(sockets)  # type: ignore[arg-type]  # the same
        if self.started:
            self.tell(self.servers[0].sockets[0].getsockname()[1])

    async def on_tick(self, counter: int) -> bool:
        now_s = time.monotonic()
        if self._page.is_done and self._done_at_s is None:
            self._done_at_s = now_s
        answered = self._done_at_s is not None and now_s - self._done_at_s > 0.5
        return await super().on_tick(counter) or answered or now_s >= self.close_at_s


def _polygons(zones: Zones) -> dict[str, object]:
    return {zone.value: zones.polygons(zone) for zone in Zone}


def _guard(request: Request) -> Response | None:
    """Our own name only (no rebinding), and posts from our own page only."""
    host = request.headers.get("host", "")
    if host.rpartition(":")[0] not in ("127.0.0.1", "localhost"):
        return PlainTextResponse("unknown host\n", 400, HEADERS)
    origin = request.headers.get("origin")
    if request.method == "POST" and origin not in (None, f"http://{host}"):
        return PlainTextResponse("posts come from this page only\n", 403, HEADERS)
    return None


async def _body(request: Request) -> object:
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > MAX_BYTES:
            raise BadInput("too much was drawn: remove a zone")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise BadInput("the page sent no JSON: load it again") from None
