"""Packages that a small installation leaves out: what needs one says so, with the command that installs it."""

import sys
from contextlib import ContextDecorator

from retrainer.errors import PackageError

# Import name -> package, where the two differ by more than `_` and `-`.
_PACKAGES = {"google": "protobuf", "keras": "tensorflow", "PIL": "pillow", "pkg_resources": "setuptools"}
# TensorFlow takes five times as much disk as all other packages, and few commands need it.
_FOR_TENSORFLOW = frozenset({"tensorflow", "tensorflow-hub", "setuptools"})
# The first version of Python for which pyproject.toml does not require it.
_WITHOUT_TENSORFLOW = (3, 14)


class NamingPackages(ContextDecorator):
    """Turns the error of a package that is not installed into a PackageError: `with NamingPackages(): …`."""

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Raises PackageError instead of a ModuleNotFoundError about a package that retrainer requires."""
        if found := package_error(error):
            raise found from error


def package_error(error: BaseException | None) -> PackageError | None:
    """The error to show instead of a ModuleNotFoundError; None unless it is about a package that retrainer requires."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    module = error.name.partition(".")[0]
    package = _PACKAGES.get(module, module.replace("_", "-"))
    wanted = _requirements()
    if package not in wanted or (module != "google" and is_there(module)):
        return None
    return PackageError(f"This needs '{wanted[package]}', which is not installed.", _fix(package, wanted))


def require_package(module: str) -> None:
    """Raises PackageError unless a module of a package can be found; imports nothing."""
    if module not in sys.modules and not is_there(module):
        raise package_error(ModuleNotFoundError(name=module)) or ModuleNotFoundError(name=module)


def is_there(module: str) -> bool:
    """Whether a module can be found; imports nothing."""
    from importlib.util import find_spec

    return find_spec(module) is not None


def _fix(package: str, wanted: dict[str, str]) -> str:
    """How to install a package, together with all others that are missing and go with it."""
    import shlex
    from importlib.metadata import PackageNotFoundError, version

    heavy = package in _FOR_TENSORFLOW
    if heavy and sys.version_info >= _WITHOUT_TENSORFLOW:
        major, minor = _WITHOUT_TENSORFLOW
        return f"Use Python {major}.{minor - 1} for this: TensorFlow has no release for {major}.{minor} yet."
    missing = []
    for name, requirement in wanted.items():
        if name in _FOR_TENSORFLOW:
            # They are installed together, since another setuptools may be there.
            missing += [requirement] if heavy else []
            continue
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(requirement)
    return f"Install it: pip install {shlex.join(sorted(missing))}"


def _requirements() -> dict[str, str]:
    """Name of each package that retrainer requires -> its requirement, such as `click>=8.1`."""
    import re
    from importlib.metadata import PackageNotFoundError, requires

    try:
        listed = requires("retrainer") or []
    except PackageNotFoundError:  # run from its folder
        listed = [*_FOR_TENSORFLOW, "pyarrow", "tensorboard", "google-crc32c"]
    # What is required on some machines only can be done without, and others have no wheel of it.
    everywhere = [text for text in listed if "extra ==" not in text and "platform_machine" not in text]
    texts = [text.partition(";")[0].strip() for text in everywhere]
    return {re.split(r"[^\w.-]", text, maxsplit=1)[0]: text for text in texts}
