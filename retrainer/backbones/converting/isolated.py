"""The conversion of somebody else's network, in this process or in one of its own with limits of time and memory."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from retrainer.arrays import Floats
from retrainer.backbones.bundle import Bundle, copy_bundle, read_bundle
from retrainer.backbones.converting.hints import ConversionContext, Hints
from retrainer.backbones.network_files import TFLITE_ENDING
from retrainer.errors import BackboneError, ModelError
from retrainer.events import Event, Noted, Warned
from retrainer.models.graph.graphdef import read_graph
from retrainer.models.graph.operations import require_harmless
from retrainer.models.tflite.litert import Network
from retrainer.system.files import output_error
from retrainer.system.isolation.frames import Arrays
from retrainer.system.isolation.parent import IsolatedProcess
from retrainer.system.unfinished import unfinished_folder
from retrainer.text import shown

# Ten times as long as the largest networks of the table take on two idle cores.
CONVERSION_SECONDS = 600.0
_REPORTS = {"noted": Noted, "warned": Warned}


@dataclass(frozen=True)
class Conversion:
    """A network that is to become a bundle.

    Attributes:
        network: The folder of a SavedModel, or the file of another network.
        hints: What the user says about it.
        draft: Name, source, licence and the hash of what the source gave.
    """

    network: Path
    hints: Hints
    draft: Bundle

    def here(self, parent: Path, context: ConversionContext, *, trusted: bool) -> Bundle:
        """Makes the bundle in this process by `convert` or `convert_tflite`, which say what they raise."""
        if self.network.suffix == TFLITE_ENDING:
            from retrainer.backbones.converting.from_tflite import convert_tflite

            return convert_tflite(self.network, self.hints, self.draft, parent, context)
        from retrainer.backbones.converting.from_tensorflow import convert
        from retrainer.backbones.converting.tensorflow_networks import open_network

        opened = partial(open_network, self.network, self.draft.source, self.hints, trusted=trusted)
        return convert(opened, self.hints, self.draft, parent, context)

    def isolated(self, parent: Path, context: ConversionContext) -> Bundle:
        """Makes the bundle in a process of its own, and checks it before it is copied to the folder of bundles.

        Raises:
            OptionError: the network has no layer of the name that the user gave.
            BackboneError: the network cannot be converted, or the process crashed or reached a limit.
            OutputError: the bundle cannot be written.
        """
        name = self.draft.name
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with unfinished_folder(parent / name) as folder:
                self._run(folder, context)
                bundle = read_bundle(folder / name)
                Network(bundle.tflite_path)
                if bundle.has_graph:
                    require_harmless(read_graph(bundle.graph_path), self.draft.source)
                return copy_bundle(bundle, parent)
        except ModelError as error:
            raise BackboneError(error.problem, error.fix) from error
        except OSError as error:
            raise output_error(parent, error) from error

    def _run(self, folder: Path, context: ConversionContext) -> None:
        """Lets a child process make the bundle in a folder; sends it pictures, and reports its events."""
        draft = {**asdict(self.draft), "folder": ""}
        task = {
            "network": str(self.network),
            "hints": asdict(self.hints),
            "draft": draft,
            "folder": str(folder),
            "known_range": context.known_range,
        }
        child, deadline = IsolatedProcess(__name__, self.draft.source), time.monotonic() + CONVERSION_SECONDS
        try:
            answer, _ = child.ask(task, seconds=CONVERSION_SECONDS)
            while answer.get("kind") != "done":
                if answer.get("kind") == "pictures":
                    pictures = context.pictures(_whole(answer["size"]), _whole(answer["count"]))
                    answer, _ = child.ask({}, _stacked(pictures), seconds=deadline - time.monotonic())
                    continue
                context.observer(_REPORTS[str(answer.get("kind"))](shown(str(answer.get("text")))))
                answer, _ = child.answer(seconds=deadline - time.monotonic())
        except (KeyError, ValueError, TypeError) as error:
            raise ModelError(
                f"'{shown(self.draft.source)}': the process that converts it answered nonsense."
            ) from error
        finally:
            child.close()


def _whole(number: Any) -> int:
    """Returns a size or a count that a child asks for; raises ValueError if it is absurd."""
    if not isinstance(number, int) or not 0 < number <= 4096:
        raise ValueError(number)
    return number


def _stacked(pictures: Sequence[Floats]) -> Arrays:
    return [np.stack(pictures)] if len(pictures) else []


def serve(channel: Any) -> None:
    """Converts one network; this is the child's side."""
    from retrainer.system.isolation.child import limit_seconds

    task, _ = channel.receive()
    limit_seconds(CONVERSION_SECONDS)
    draft = replace(Bundle(**task["draft"]), maps=(), folder=Path())
    conversion = Conversion(Path(task["network"]), Hints(**task["hints"]), draft)

    def pictures(size: int, count: int) -> Sequence[Floats]:
        channel.send({"kind": "pictures", "size": size, "count": count})
        _, arrays = channel.receive()
        return list(arrays[0]) if arrays else []

    def observer(event: Event) -> None:
        kind = next((kind for kind, reported in _REPORTS.items() if isinstance(event, reported)), "")
        if kind:
            channel.send({"kind": kind, "text": str(getattr(event, "message", ""))})

    def converted() -> tuple[dict[str, Any], Arrays]:
        context = ConversionContext(pictures, observer, task["known_range"])
        conversion.here(Path(task["folder"]), context, trusted=False)
        return {"kind": "done"}, ()

    channel.answer(converted, draft.source)
