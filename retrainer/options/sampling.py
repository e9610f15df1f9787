"""The options of `retrainer sample`."""

from dataclasses import dataclass

from retrainer.options.groups import Options, option


@dataclass(frozen=True, kw_only=True)
class SampleOptions(Options):
    """How `retrainer sample` draws its pictures."""

    per_class: int = option(40, "Pictures of each of the five kinds of flowers.", minimum=1, maximum=10000)
    seed: int = option(0, "The same seed draws the same pictures.", minimum=0)
