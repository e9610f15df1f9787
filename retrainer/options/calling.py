"""Functions that take options by name: what they are called with is checked, and their documentation lists all."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

from retrainer.errors import OptionError
from retrainer.options.groups import Group, Options, options_of
from retrainer.options.in_memory import PhotoSource

P = ParamSpec("P")
R = TypeVar("R")

_PHOTOS = "Give a folder, a table or (pictures, labels); help(retrainer.{}) says more."


def takes_options(group: type[Options]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Has a function list the options of a group in its documentation.

    It raises OptionError, and no TypeError, if it is called with other arguments than it takes.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        takes = signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                takes.bind(*args, **kwargs)
            except TypeError as error:
                raise _wrong(function.__name__, list(takes.parameters.values()), len(args), error) from None
            return function(*args, **kwargs)

        lines = ["Options:", *(f"    {one}" for one in options_of(group))]
        call.__doc__ = "\n    ".join([f"{(function.__doc__ or '').rstrip()}\n", *lines])
        return call

    return decorate


def _wrong(name: str, parameters: list[Parameter], count: int, error: TypeError) -> OptionError:
    most = sum(one.kind is Parameter.POSITIONAL_OR_KEYWORD for one in parameters)
    fix = f"help(retrainer.{name}) lists all arguments."
    if count > most:
        without = f"{most} argument{'s' * (most != 1)} without a name"
        problem = f"{name}(): expected at most {without}, received {count}."
        return OptionError(problem, f"Give options by name, such as seed=1. {fix}")
    return OptionError(f"{name}(): {error}.", fix)


def options_with_photos(
    group: type[Group], photos: "Group | PhotoSource | None", options: Mapping[str, Any], function: str
) -> Group:
    """Returns the options of a function whose photos are an argument.

    Args:
        group: The group, which has `image_dir`.
        photos: The photos, or all options; None if `image_dir` is among the options by name.
        options: Options by name.
        function: The function's name, for messages.

    Raises:
        OptionError: there are no photos, they are given twice, or an option is wrong.
    """
    if isinstance(photos, group):
        return group.given(photos, "", options, function)
    group.require_known(options, function)
    if (photos is None) != ("image_dir" in options):
        received = "none" if photos is None else "them twice, also as image_dir"
        raise OptionError(f"{function}(): expected photos once, received {received}.", _PHOTOS.format(function))
    given = options if photos is None else {**options, "image_dir": photos}
    return group.given(group(), "", given, function)
