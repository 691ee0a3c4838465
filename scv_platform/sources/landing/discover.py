"""Which files have content that was not loaded yet. Both the landing sensor and the source ask here.

Invariant: a file is known by its content. Its name and its time only spare reading it again: whoever passes the
`known` files of the last time has only those hashed whose path, size or time changed.
"""

import glob
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scv_platform.settings import Settings
from scv_platform.sources.landing.mapping import FileMapping, LandingDataset

LoadedFile = tuple[str, str, str, str]
"""What was loaded: source, entity, content hash, mapping hash."""

KnownFiles = Mapping[str, Sequence[int | str]]
"""What is known of files: path -> [size in bytes, time of change in ns, content hash]. Fits into a JSON cursor."""

UNFINISHED = (".tmp", ".part")
"""A file with such a name is still being written."""


@dataclass(frozen=True)
class PendingFile:
    """A file that is to be loaded as one entity."""

    mapping: FileMapping
    path: Path
    name: str
    size: int
    changed_ns: int
    content_hash: str
    refusal: str | None = None
    """Why the file must not be read; the hash is that of its path then."""

    @property
    def key(self) -> LoadedFile:
        """What the ledger will call it."""
        return self.mapping.source, self.mapping.entity.name, self.content_hash, self.mapping.fingerprint

    def is_unchanged(self) -> bool:
        """Whether the file is still the one that was found; one that is being written to waits for the next run.

        Of a file that must not be read only that is told, whatever it is by now.
        """
        if self.refusal:
            return True
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.changed_ns)


@dataclass(frozen=True)
class Discovery:
    """What lies in the landing folders."""

    pending: tuple[PendingFile, ...]
    known: KnownFiles
    """The files that may be read."""
    contents: frozenset[str]
    """Hashes of all that lies there: of content, or of the path of what must not be read."""
    missing: tuple[str, ...]
    """Paths without wildcards where no file is: mistakes, each with its place in the configuration."""
    unmatched: tuple[str, ...]
    """Paths with wildcards that match nothing, yet."""

    @property
    def tables(self) -> frozenset[str]:
        """The tables that have something to load."""
        return frozenset(file.mapping.entity.name for file in self.pending)


def pending_files(
    settings: Settings, dataset: LandingDataset, already_loaded: Set[LoadedFile], known: KnownFiles | None = None
) -> Discovery:
    """The files of this dataset that are not loaded yet, each content once, in the order of its tables."""
    seen: dict[str, Sequence[int | str]] = {}
    contents: set[str] = set()
    pending, missing, unmatched = [], [], []
    done = set(already_loaded)
    for mapping in dataset.mappings:
        paths = list(_matching(mapping.pattern))
        if not paths and glob.has_magic(mapping.pattern):
            unmatched.append(f"{mapping.place}: {mapping.pattern}: nothing matches")
        elif not paths:
            missing.append(f"{mapping.place}: {mapping.pattern}: missing file")
        for path, status in paths:
            size, changed_ns = status.st_size, status.st_mtime_ns
            entry = seen.get(str(path)) or (known or {}).get(str(path), ())
            refusal = _refusal(mapping, path)
            if not refusal and tuple(entry[:2]) != (size, changed_ns):
                try:
                    entry = (size, changed_ns, _content_hash(path))
                except FileNotFoundError:
                    continue
                except OSError as error:
                    refusal = f"cannot be read: {error.strerror}"
            if refusal:
                # Not remembered as known: a file that takes its place may have its size and its time.
                content_hash = hashlib.sha256(str(path).encode()).hexdigest()
            else:
                seen[str(path)] = entry
                content_hash = str(entry[2])
            contents.add(content_hash)
            name = str(path.relative_to(settings.root)) if path.is_relative_to(settings.root) else str(path)
            file = PendingFile(mapping, path, name, size, changed_ns, content_hash, refusal)
            if file.key not in done:
                done.add(file.key)
                pending.append(file)
    return Discovery(tuple(pending), seen, frozenset(contents), tuple(missing), tuple(unmatched))


def _matching(pattern: str) -> Iterator[tuple[Path, os.stat_result]]:
    for name in sorted(glob.glob(pattern, recursive=True)):
        path = Path(name)
        # A file may go away between the listing and the look at it.
        with suppress(FileNotFoundError):
            if path.is_file() and not name.endswith(UNFINISHED):
                yield path, path.stat()


def _refusal(mapping: FileMapping, path: Path) -> str | None:
    """Why a file is not read: a link that leads out of its folder could show any file of the machine."""
    if mapping.root is None or path.resolve().is_relative_to(mapping.root.resolve()):
        return None
    return f"a link leads out of {mapping.root}; copy the file there"


def _content_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
