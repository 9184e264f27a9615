"""`hani`: the command line. JSON lines on stdout; when something is wrong, one clear line on stderr."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from robot import __version__, paths
from robot.errors import BadInput, HaniError
from robot.files import path_of

_RECOGNIZE_HELP = """\
Prints one JSON line a file, in order: file, text, language, confidence (0..1), nbest, safety.

text is "" and language null when nothing known was said; nbest holds what came near, best first, even then.
Without --phrases the robot's own grammar is listened for, and text is what the robot would believe.
With --phrases the speaker is taken to say one of these, so that text is the best of them unless the speech is clearly
something else; whoever needs the robot's own strictness looks at confidence. A phrase said again counts once, several
different ones are joined by a space. Phrases that sound alike stand side by side in nbest.

FILE of --phrases: UTF-8, a phrase a line: zh or mn, tab, text, and perhaps tab and IPA, which overrides the lexicon.
A header (language, text, pronunciation), empty lines and lines beginning with # are passed over. A line that cannot
be used is told by its number, and the others are listened for; pinyin in place of IPA is told and left out.

Exit code: 0; 1 when a file was cut off, or a file or a line of phrases could not be used (the rest is done);
2 when nothing could be started.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.CRITICAL)  # what is wrong is told once, by the command
    try:
        _prepare_output()
        options = _parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], int] = options.run
        code = run(options)
        sys.stdout.flush()
    except HaniError as error:
        return _complain(str(error))
    except BrokenPipeError:
        _end_output()  # whoever read our lines has gone
        return 1
    except OSError as error:
        _end_output()
        what = error.filename or "the output"
        return _complain(f"{what} cannot be used: {error.strerror or error}; check space and rights")
    except KeyboardInterrupt:
        return 130
    return code


def _prepare_output() -> None:
    if sys.stdout is None:  # closed by whoever started us
        raise BadInput("standard output is closed; give it somewhere to go")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # wherever we run


def _complain(message: str) -> int:
    print(f"hani: {message}", file=sys.stderr)  # noqa: T201 - the one line for the person who started it
    return 2


def _end_output() -> None:
    """What cannot be written is forgotten: the interpreter's own flush at exit must not complain again."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _recognize(options: argparse.Namespace) -> int:
    from dialogue import words
    from dialogue.grammar import everyday, resident_grammar
    from robot.speech import cli_recognize

    safety = words.words().safety
    return cli_recognize.run(
        options.files,
        options.phrases or resident_grammar(words.words()),
        model_dir=paths.SPEECH_MODEL,
        cache_dir=paths.graph_cache(),
        safety=words.safety_phrases(),
        harmless=safety.harmless,
        alone=safety.alone,
        everyday=everyday,
        lang=options.lang,
        out=sys.stdout,
        err=sys.stderr,
    )


def _watch(options: argparse.Namespace) -> int:
    from robot.vision import cli_watch

    return cli_watch.run(options.videos, sys.stdout, sys.stderr, options.zones)


def _zones(options: argparse.Namespace) -> int:
    from robot.vision import zones_page
    from robot.vision.camera import Camera, DeviceCamera, FileCamera

    device = options.device
    camera: Camera = DeviceCamera(int(device) if device.isdigit() else device)
    if options.still:
        camera = FileCamera(options.still)
    return zones_page.run(camera, paths.home(), sys.stdout, options.port)


def _camera(options: argparse.Namespace) -> int:
    from robot.vision import cli_camera

    return cli_camera.run(options.what, options.minutes, paths.home(), sys.stdout)


def _understand(options: argparse.Namespace) -> int:
    from dialogue import cli_understand

    if sys.stdin is None:
        raise BadInput("standard input is closed; give texts, one a line")
    return cli_understand.run(options.lang, sys.stdin, sys.stdout, sys.stderr)


def _say(options: argparse.Namespace) -> int:
    from robot.speech import cli_say

    return cli_say.run(" ".join(options.text), options.lang, options.out)


def _config_show(options: argparse.Namespace) -> int:
    from robot.settings import load

    files = [paths.ROOT / "config" / "robot.yaml"]
    if options.profile != "robot":
        files.append(paths.ROOT / "config" / f"{options.profile}.yaml")
    files += options.file
    for node, settings in load(files).items():
        for key, item in settings.items():
            layer = item.layer.removeprefix(f"{paths.ROOT}{os.sep}")
            line = {"node": node, "key": key, "value": item.value, "layer": layer}
            print(json.dumps(line, ensure_ascii=False))  # noqa: T201 - the command's output
    return 0


def _demo(options: argparse.Namespace) -> int:
    from robot.simulation import demo

    return demo.run(options.scenario, leave=options.leave, caregiver=options.caregiver, port=options.port)


def _simulate_life(options: argparse.Namespace) -> int:
    from robot.simulation import cli_life

    return cli_life.run(
        options.hours,
        options.seed,
        sys.stdout,
        start_h=options.start_h,
        falls_per_h=options.falls_per_hour,
        mattress=options.mattress,
        zones=not options.no_zones,
        as_json=options.json,
        explain=options.explain,
    )


class _Parser(argparse.ArgumentParser):
    """A wrong call is one line, as every other bad input."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; `{self.prog} --help` says more")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="hani", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"hani {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    recognize = commands.add_parser(
        "recognize",
        help="what is said in sound files",
        epilog=_RECOGNIZE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    recognize.add_argument("files", nargs="+", metavar="FILE")
    recognize.add_argument("--phrases", type=path_of, metavar="FILE", help="TSV: language, text, and perhaps IPA")
    recognize.add_argument("--lang", choices=("auto", "zh", "mn"), default="auto")
    recognize.set_defaults(run=_recognize)

    watch = commands.add_parser("watch", help="falls in video files")
    watch.add_argument("videos", nargs="+", metavar="VIDEO")
    watch.add_argument(
        "--zones", type=path_of, metavar="FILE", help='as `hani zones` writes it, or {"bed": [[x, y], ...]}'
    )
    watch.set_defaults(run=_watch)

    zones = commands.add_parser("zones", help="open the page on which bed, sofa, floor and mirrors are drawn")
    zones.add_argument("--device", default="0", help="number or path of the camera")
    zones.add_argument("--still", type=path_of, metavar="FILE", help="a picture or video instead of the camera")
    zones.add_argument("--port", type=int, default=0, help="port of the page; 0: any")
    zones.set_defaults(run=_zones)

    camera = commands.add_parser("camera", help="let the camera look away for a while, or look again")
    camera.add_argument("what", choices=("pause", "resume", "show"))
    camera.add_argument("--minutes", type=float, default=10.0, help="1 to 60")
    camera.set_defaults(run=_camera)

    understand = commands.add_parser("understand", help="what is meant by texts, one a line on stdin")
    understand.add_argument("--lang", required=True, type=_language)
    understand.set_defaults(run=_understand)

    say = commands.add_parser("say", help="speak a text into a wav file")
    say.add_argument("--lang", required=True, type=_language)
    say.add_argument("--out", required=True, type=path_of, metavar="x.wav")
    say.add_argument("text", nargs="+", metavar="TEXT")
    say.set_defaults(run=_say)

    config = commands.add_parser("config", help="settings").add_subparsers(required=True, metavar="show")
    show = config.add_parser("show", help="each value and the layer that it comes from")
    show.add_argument("--profile", choices=("robot", "simulation"), default="robot")
    show.add_argument(
        "--file", action="append", type=path_of, default=[], help="a further parameter file, applied last"
    )
    show.set_defaults(run=_config_show)

    simulate = commands.add_parser("simulate", help="invented days").add_subparsers(required=True, metavar="life")
    life = simulate.add_parser("life", help="hours of ordinary life and falls, watched by the real fall detector")
    life.add_argument("--hours", type=float, required=True)
    life.add_argument("--seed", type=int, required=True, help="the room, the resident and the day")
    life.add_argument("--from", dest="start_h", type=float, metavar="HOUR", help="begin at this hour of the day")
    life.add_argument(
        "--falls-per-hour", type=float, metavar="N", help="default: robot/simulation/life/ordinary_day.yaml"
    )
    life.add_argument(
        "--mattress", default="true", help="true, none, always_in, always_out, stale, disconnected, garbage"
    )
    life.add_argument("--no-zones", action="store_true", help="nobody has drawn any")
    how = life.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="labels, falls and score as lines of JSON")
    how.add_argument("--explain", action="store_true", help="everything that happened, in order of time")
    life.set_defaults(run=_simulate_life)

    demo = commands.add_parser("demo", help="the simulated home, with the platform's page")
    demo.add_argument("--scenario", type=path_of, metavar="FILE", help="default: config/scenarios/day_and_night.yaml")
    demo.add_argument("--leave", action="store_true", help="end when the scenario has ended")
    demo.add_argument("--caregiver", choices=("played", "person"), default="played", help="who answers the alarm")
    demo.add_argument("--port", type=int, default=8080, help="port of the platform's page")
    demo.set_defaults(run=_demo)
    return parser


def _language(text: str) -> str:
    if text not in ("zh", "mn"):
        raise BadInput(f"unknown language {text}; use zh or mn")
    return text


if __name__ == "__main__":
    sys.exit(main())
