"""`hani`: the command line. JSON lines on stdout; when something is wrong, one clear line on stderr."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from robot import __version__, paths
from robot.errors import BadInput, HaniError


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except HaniError as error:
        print(f"hani: {error}", file=sys.stderr)  # noqa: T201 - the one line for the person who started it
        return 2
    except BrokenPipeError:
        # whoever read our lines has gone; the interpreter's own flush at exit must not complain either
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _recognize(options: argparse.Namespace) -> int:
    from dialogue import words
    from robot.speech import cli_recognize

    return cli_recognize.run(
        [Path(file) for file in options.files],
        Path(options.phrases) if options.phrases else words.phrases(),
        model_dir=paths.SPEECH_MODEL,
        cache_dir=paths.graph_cache(),
        safety=words.safety_phrases(),
        harmless=words.words().safety.harmless,
        lang=options.lang,
    )


def _watch(options: argparse.Namespace) -> int:
    from robot.vision import cli_watch

    zones = Path(options.zones) if options.zones else None
    return cli_watch.run([Path(video) for video in options.videos], sys.stdout, sys.stderr, zones)


def _understand(options: argparse.Namespace) -> int:
    from dialogue import cli_understand

    return cli_understand.run(options.lang, sys.stdin, sys.stdout, sys.stderr)


def _say(options: argparse.Namespace) -> int:
    from robot.speech import cli_say

    return cli_say.run(" ".join(options.text), options.lang, Path(options.out))


def _config_show(options: argparse.Namespace) -> int:
    from robot.settings import load

    files = [paths.ROOT / "config" / "robot.yaml"]
    if options.profile != "robot":
        files.append(paths.ROOT / "config" / f"{options.profile}.yaml")
    files += [Path(file) for file in options.file]
    for node, settings in load(files).items():
        for key, item in settings.items():
            layer = item.layer.removeprefix(f"{paths.ROOT}{os.sep}")
            line = {"node": node, "key": key, "value": item.value, "layer": layer}
            print(json.dumps(line, ensure_ascii=False))  # noqa: T201 - the command's output
    return 0


def _demo(options: argparse.Namespace) -> int:
    from robot.simulation import demo

    scenario = Path(options.scenario) if options.scenario else None
    return demo.run(scenario, leave=options.leave, caregiver=options.caregiver, port=options.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hani", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"hani {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    recognize = commands.add_parser("recognize", help="what is said in sound files")
    recognize.add_argument("files", nargs="+", metavar="FILE")
    recognize.add_argument("--phrases", metavar="FILE", help="TSV: language, text, pronunciation (IPA, optional)")
    recognize.add_argument("--lang", choices=("auto", "zh", "mn"), default="auto")
    recognize.set_defaults(run=_recognize)

    watch = commands.add_parser("watch", help="falls in video files")
    watch.add_argument("videos", nargs="+", metavar="VIDEO")
    watch.add_argument("--zones", metavar="FILE", help='JSON: {"bed": [[x, y], ...]} as shares of the picture')
    watch.set_defaults(run=_watch)

    understand = commands.add_parser("understand", help="what is meant by texts, one a line on stdin")
    understand.add_argument("--lang", required=True, type=_language)
    understand.set_defaults(run=_understand)

    say = commands.add_parser("say", help="speak a text into a wav file")
    say.add_argument("--lang", required=True, type=_language)
    say.add_argument("--out", required=True, metavar="x.wav")
    say.add_argument("text", nargs="+", metavar="TEXT")
    say.set_defaults(run=_say)

    config = commands.add_parser("config", help="settings").add_subparsers(required=True, metavar="show")
    show = config.add_parser("show", help="each value and the layer that it comes from")
    show.add_argument("--profile", choices=("robot", "simulation"), default="robot")
    show.add_argument("--file", action="append", default=[], help="a further parameter file, applied last")
    show.set_defaults(run=_config_show)

    demo = commands.add_parser("demo", help="the simulated home, with the platform's page")
    demo.add_argument("--scenario", metavar="FILE", help="a scenario; default: config/scenarios/day_and_night.yaml")
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
