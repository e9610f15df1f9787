"""The documents of `runs`, `architectures` and `cache`."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrainer.cli.documents.document import Fields

if TYPE_CHECKING:
    from retrainer.backbones.catalogue import Listed
    from retrainer.history import Run
    from retrainer.model_cache import Cached, Pruned
    from retrainer.reporting import Problem


def of_runs(runs: "Iterable[Run]", runs_file: str, problems: "Iterable[Problem]") -> Fields:
    """The fields of `runs`."""
    from retrainer.results.fields import of_problems  # other lists need none of what results need

    listed = [{**one.record, "group": one.group or None, "is_best": one.is_best} for one in runs]
    return {"runs_file": runs_file, "runs": listed, "problems": of_problems(problems)}


def of_architectures(listed: "Iterable[Listed]", default: str) -> Fields:
    """The fields of `architectures`."""
    return {"default": default, "architectures": [_architecture(item) for item in listed]}


def of_cache(items: "Iterable[Cached]", folder: Path) -> Fields:
    """The fields of `cache`."""
    listed = [_cached(item) for item in items]
    return {"folder": str(folder), "bytes": sum(item["bytes"] for item in listed), "items": listed}


def of_pruning(pruned: "Sequence[Pruned]", folder: Path, *, dry_run: bool) -> Fields:
    """The fields of `cache prune`."""
    removed = [_cached(one.item) for one in pruned if not one.kept]
    return {
        "folder": str(folder),
        "dry_run": dry_run,
        "bytes": sum(item["bytes"] for item in removed),
        "removed": removed,
        "kept": [{**_cached(one.item), "reason": one.kept} for one in pruned if one.kept],
    }


def _architecture(item: "Listed") -> dict[str, Any]:
    """A network; the published accuracy and Keras's weights are those of the float network of the row's size."""
    row = item.architecture
    return {
        "name": item.name,
        "network": row.name if row else None,
        "family": row.family if row else None,
        "input_size": item.input_size,
        "depth": item.depth,
        "quantized": item.quantized,
        "here": item.here or None,
        "good_trade": item.good_trade,
        "parameters": row.parameters if row else None,
        "multiply_adds": round(item.multiply_adds, 1) if row else None,
        "top1": row.top1 if row and item.is_published else None,
        "figures_from": row.figures_from if row else None,
        "licence": row.licence if row else None,
        "handle": row.handle if row else None,
        "keras": asdict(row.keras) if row and row.keras and not item.quantized else None,
        "package": asdict(row.package) if row and row.package else None,
    }


def _cached(item: "Cached") -> dict[str, Any]:
    used = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(item.last_used))
    return {"kind": item.kind, "name": item.name, "path": str(item.path), "bytes": item.size, "last_used": used}
