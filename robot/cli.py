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
from pathlib import Path
from typing import NoReturn

from robot import __version__, paths
from robot.errors import BadInput, HaniError


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
    from robot.speech import cli_recognize

    return cli_recognize.run(
        options.files,
        options.phrases or words.phrases(),
        model_dir=paths.SPEECH_MODEL,
        cache_dir=paths.graph_cache(),
        safety=words.safety_phrases(),
        harmless=words.words().safety.harmless,
        lang=options.lang,
        out=sys.stdout,
        err=sys.stderr,
    )


def _watch(options: argparse.Namespace) -> int:
    from robot.vision import cli_watch

    return cli_watch.run(options.videos, sys.stdout, sys.stderr, options.zones)


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


class _Parser(argparse.ArgumentParser):
    """A wrong call is one line, as every other bad input."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; `{self.prog} --help` says more")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="hani", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"hani {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    recognize = commands.add_parser("recognize", help="what is said in sound files")
    recognize.add_argument("files", nargs="+", type=_file, metavar="FILE")
    recognize.add_argument("--phrases", type=_file, metavar="FILE", help="TSV: language, text, and perhaps IPA")
    recognize.add_argument("--lang", choices=("auto", "zh", "mn"), default="auto")
    recognize.set_defaults(run=_recognize)

    watch = commands.add_parser("watch", help="falls in video files")
    watch.add_argument("videos", nargs="+", type=_file, metavar="VIDEO")
    watch.add_argument(
        "--zones", type=_file, metavar="FILE", help='JSON: {"bed": [[x, y], ...]}, shares of the picture'
    )
    watch.set_defaults(run=_watch)

    understand = commands.add_parser("understand", help="what is meant by texts, one a line on stdin")
    understand.add_argument("--lang", required=True, type=_language)
    understand.set_defaults(run=_understand)

    say = commands.add_parser("say", help="speak a text into a wav file")
    say.add_argument("--lang", required=True, type=_language)
    say.add_argument("--out", required=True, type=_file, metavar="x.wav")
    say.add_argument("text", nargs="+", metavar="TEXT")
    say.set_defaults(run=_say)

    config = commands.add_parser("config", help="settings").add_subparsers(required=True, metavar="show")
    show = config.add_parser("show", help="each value and the layer that it comes from")
    show.add_argument("--profile", choices=("robot", "simulation"), default="robot")
    show.add_argument("--file", action="append", type=_file, default=[], help="a further parameter file, applied last")
    show.set_defaults(run=_config_show)

    demo = commands.add_parser("demo", help="the simulated home, with the platform's page")
    demo.add_argument("--scenario", type=_file, metavar="FILE", help="default: config/scenarios/day_and_night.yaml")
    demo.add_argument("--leave", action="store_true", help="end when the scenario has ended")
    demo.add_argument("--caregiver", choices=("played", "person"), default="played", help="who answers the alarm")
    demo.add_argument("--port", type=int, default=8080, help="port of the platform's page")
    demo.set_defaults(run=_demo)
    return parser


def _language(text: str) -> str:
    if text not in ("zh", "mn"):
        raise BadInput(f"unknown language {text}; use zh or mn")
    return text


def _file(text: str) -> Path:
    try:
        text.encode()
    except UnicodeEncodeError:  # libraries stumble over such a name, OpenCV crashes
        raise BadInput(f"the file name {text!a} is not UTF-8; rename the file") from None
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
