"""The unit files of one node: found by name, templates with instances, enabled and disabled as by links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from gateway.errors import nearest
from gateway.orchestrator.errors import NoSuchUnitError, UnitFileError, WrongArgumentError
from gateway.orchestrator.units.directives import load_unit
from gateway.orchestrator.units.names import is_valid, split
from gateway.orchestrator.units.spec import Dependency, InstallSpec, LoadState, UnitSpec
from gateway.orchestrator.units.syntax import UnitText, parse

LINKS: Final = "/etc/systemd/system"
_LARGEST: Final = 1 << 20
PROXY: Final = "bluechi-proxy@.service"
DEP: Final = "bluechi-dep@.service"
_BUILT_IN: Final = {
    PROXY: """[Unit]
Description=BlueChi proxy of %I
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=bluechi-proxy create %i
ExecStop=bluechi-proxy remove %i
""",
    DEP: """[Unit]
Description=BlueChi dependency on %I
BindsTo=%i.service
After=%i.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=true
""",
}
"""The units that carry a dependency to another node."""


class FileState(StrEnum):
    """Whether a unit is started with what wants it."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    STATIC = "static"
    MASKED = "masked"
    BAD = "bad"
    TRANSIENT = "transient"
    INDIRECT = "indirect"


class UnitChange(NamedTuple):
    """What enabling did: `symlink` or `unlink`, the link, what it points to."""

    kind: str
    link: str
    target: str


class UnitFiles:
    """The unit files of a node, by name. `folder`: where they come from, read again by `reload`."""

    def __init__(self, node: str, texts: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self.node: Final = node
        self.folder = folder
        self._inline: Final = dict(texts or {})
        self._texts: dict[str, UnitText] = {}
        self._enabled: dict[str, dict[Dependency, tuple[str, ...]]] = {}
        self._transient: set[str] = set()
        self.default_target = "default.target"
        self.reload()

    def reload(self) -> None:
        """Read all files again. UnitFileError for a folder or a file that cannot be read."""
        texts = dict(_BUILT_IN)
        if self.folder is not None:
            texts |= _read_folder(self.folder)
        texts |= self._inline
        self._texts = {name: parse(text, self._file(name)) for name, text in texts.items()}

    def put(self, name: str, text: str) -> None:
        """Add or replace a file's text; taken at the next `reload`."""
        self._inline[name] = text

    def put_transient(self, name: str, text: UnitText) -> None:
        self._texts[name] = text
        self._transient.add(name)

    def drop_transient(self, name: str) -> None:
        if name in self._transient:
            self._transient.discard(name)
            del self._texts[name]

    def _file(self, name: str) -> str:
        if self.folder is not None and name not in self._inline and name not in _BUILT_IN:
            return str(self.folder / name)
        return f"/usr/lib/systemd/system/{name}" if name in _BUILT_IN else f"{LINKS}/{name}"

    def names(self) -> list[str]:
        """All units that are no templates, in the order of their names."""
        return sorted(name for name in self._texts if not split(name).is_template)

    def all_names(self) -> list[str]:
        return sorted(self._texts)

    def has(self, name: str) -> bool:
        return name in self._texts or (split(name).template or "") in self._texts

    def load(self, name: str) -> UnitSpec:
        """The unit as it is described now; load state `not-found` where there is no file."""
        text = self._texts.get(name) or self._texts.get(split(name).template or "")
        if text is None:
            return UnitSpec(name, load_state=LoadState.NOT_FOUND, description=name)
        spec = load_unit(text, name, self.node)
        return self._with_links(spec)

    def _with_links(self, spec: UnitSpec) -> UnitSpec:
        """With what enabled units have linked to it."""
        dependencies = {kind: list(names) for kind, names in spec.dependencies.items()}
        for unit, links in self._enabled.items():
            for kind, targets in links.items():
                if spec.name in targets and unit not in dependencies.get(kind, []):
                    dependencies.setdefault(kind, []).append(unit)
        described = spec.description or spec.name
        return replace(
            spec, description=described, dependencies={kind: tuple(names) for kind, names in dependencies.items()}
        )

    # Enablement

    def enable(self, names: Iterable[str]) -> tuple[bool, list[UnitChange]]:
        """Link units into what wants them: whether they have an Install section, and the new links."""
        carries = False
        changes: list[UnitChange] = []
        for name in self._with_also(names):
            install = self._install_of(name)
            carries = carries or not install.empty
            links = {Dependency.WANTS: install.wanted_by, Dependency.REQUIRES: install.required_by}
            before = self._enabled.get(name, {})
            if not install.empty:
                self._enabled[name] = links
            for kind, targets in links.items():
                changes += [
                    UnitChange("symlink", _link(kind, target, name), self._file(name))
                    for target in targets
                    if target not in before.get(kind, ())
                ]
        return carries, changes

    def disable(self, names: Iterable[str]) -> list[UnitChange]:
        """Take the links away."""
        changes: list[UnitChange] = []
        for name in self._with_also(names):
            for kind, targets in self._enabled.pop(name, {}).items():
                changes += [UnitChange("unlink", _link(kind, target, name), "") for target in targets]
        return changes

    def _with_also(self, names: Iterable[str]) -> list[str]:
        found: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                waiting += self._install_of(name).also
        return list(found)

    def _install_of(self, name: str) -> InstallSpec:
        self.check(name)
        return self.load(name).install

    def check(self, name: str) -> None:
        """NoSuchUnitError, with the nearest name, for a file that is not there; WrongArgumentError for no name."""
        if not is_valid(name):
            raise WrongArgumentError(f"{name!r} is not a name of a unit: write it like lights.service")
        if not self.has(name):
            raise NoSuchUnitError(f"Unit file {name} does not exist.{nearest(name, list(self._texts))}")

    def state(self, name: str) -> FileState:
        """Whether the unit is enabled."""
        self.check(name)
        if name in self._transient:
            return FileState.TRANSIENT
        if name in self._enabled:
            return FileState.ENABLED
        return FileState.STATIC if self.load(name).install.empty else FileState.DISABLED

    def path(self, name: str) -> str:
        return self._file(name)

    def set_default(self, target: str) -> list[UnitChange]:
        """Link `default.target`."""
        self.check(target)
        if split(target).kind != "target":
            raise WrongArgumentError(f"{target} is no target")
        self.default_target = target
        link = f"{LINKS}/default.target"
        return [UnitChange("unlink", link, ""), UnitChange("symlink", link, self._file(target))]


def _link(kind: Dependency, target: str, name: str) -> str:
    folder = "wants" if kind is Dependency.WANTS else "requires"
    return f"{LINKS}/{target}.{folder}/{name}"


def _read_folder(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise UnitFileError("is not a folder with unit files", file=str(folder))
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in {".service", ".target"} or not path.is_file():
            continue
        try:
            if path.stat().st_size > _LARGEST:
                raise UnitFileError("has more than 1 MB: that is no unit file", file=str(path))
            found[path.name] = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise UnitFileError(f"cannot be read: {error.strerror}", file=str(path)) from None
    return found
