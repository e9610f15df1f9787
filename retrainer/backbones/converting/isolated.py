"""The conversion of a network of somebody else's, in a process of its own."""

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
from retrainer.system.files import output_error, shown
from retrainer.system.isolation.frames import Arrays
from retrainer.system.isolation.parent import IsolatedProcess
from retrainer.system.unfinished import unfinished_folder

# Ten times what the largest networks of the table take on two idle cores.
CONVERTING = 600.0
_NOTES = {"noted": Noted, "warned": Warned}


@dataclass(frozen=True)
class Conversion:
    """A network that is to become a bundle.

    Attributes:
        network: The folder of a SavedModel, or the file of another network.
        hints: What the user says of it.
        draft: The bundle's description as far as the source tells it.
    """

    network: Path
    hints: Hints
    draft: Bundle

    def here(self, parent: Path, context: ConversionContext, *, trusted: bool) -> Bundle:
        """Makes the bundle in this process; see `conversion.convert` and `tflite_source.convert_tflite`."""
        if self.network.suffix == TFLITE_ENDING:
            from retrainer.backbones.converting.from_tflite import convert_tflite

            return convert_tflite(self.network, self.hints, self.draft, parent, context)
        from retrainer.backbones.converting.from_tensorflow import convert
        from retrainer.backbones.converting.tensorflow_networks import open_network

        opened = partial(open_network, self.network, self.draft.source, self.hints, trusted=trusted)
        return convert(opened, self.hints, self.draft, parent, context)

    def isolated(self, parent: Path, context: ConversionContext) -> Bundle:
        """Makes the bundle in a child with limits of time and memory, and looks at it before it is taken.

        Raises:
            OptionError: the layer that the user names is not there.
            BackboneError: the network cannot be converted, or the child crashed or took more than it may.
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
        """Has a child make the bundle in a folder; answers what it asks, and tells what it tells."""
        draft = {**asdict(self.draft), "folder": ""}
        asked = {
            "network": str(self.network),
            "hints": asdict(self.hints),
            "draft": draft,
            "folder": str(folder),
            "known_range": context.known_range,
        }
        child, deadline = IsolatedProcess(__name__, self.draft.source), time.monotonic() + CONVERTING
        try:
            told, _ = child.ask(asked, seconds=CONVERTING)
            while told.get("kind") != "done":
                if told.get("kind") == "pictures":
                    pictures = context.pictures(_whole(told["size"]), _whole(told["count"]))
                    told, _ = child.ask({}, _stacked(pictures), seconds=deadline - time.monotonic())
                    continue
                context.observer(_NOTES[str(told.get("kind"))](shown(str(told.get("text")))))
                told, _ = child.answer(seconds=deadline - time.monotonic())
        except (KeyError, ValueError, TypeError) as error:
            raise ModelError(f"'{shown(self.draft.source)}': what converts it answered nonsense.") from error
        finally:
            child.close()


def _whole(number: Any) -> int:
    """A size or a count that a child asks for; ValueError of one that is absurd."""
    if not isinstance(number, int) or not 0 < number <= 4096:
        raise ValueError(number)
    return number


def _stacked(pictures: Sequence[Floats]) -> Arrays:
    return [np.stack(pictures)] if len(pictures) else []


def serve(channel: Any) -> None:
    """The child's side: converts one network."""
    from retrainer.system.isolation.child import limit_seconds

    asked, _ = channel.receive()
    limit_seconds(CONVERTING)
    draft = replace(Bundle(**asked["draft"]), folder=Path())
    conversion = Conversion(Path(asked["network"]), Hints(**asked["hints"]), draft)

    def pictures(size: int, count: int) -> Sequence[Floats]:
        channel.send({"kind": "pictures", "size": size, "count": count})
        _, arrays = channel.receive()
        return list(arrays[0]) if arrays else []

    def observer(event: Event) -> None:
        kind = next((kind for kind, of in _NOTES.items() if isinstance(event, of)), "")
        if kind:
            channel.send({"kind": kind, "text": str(getattr(event, "message", ""))})

    def converted() -> tuple[dict[str, Any], Arrays]:
        context = ConversionContext(pictures, observer, asked["known_range"])
        conversion.here(Path(asked["folder"]), context, trusted=False)
        return {"kind": "done"}, ()

    channel.answer(converted, draft.source)
