"""From the files of a data set to prepared arrays: read, check, group, split, audit, store."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets import cache
from tuner.datasets.audit.build import build_audit
from tuner.datasets.audit.duplicates import Duplicates, find_duplicates, join_known
from tuner.datasets.audit.text import names_mentioned
from tuner.datasets.base import DataOptions, Dataset, Labels, Prepared, Progress, RawData, Source
from tuner.datasets.formats.files import Entry, survey
from tuner.datasets.splits import MIN_IMAGES, TEST_FOLDS, hold_out
from tuner.errors import DataError

MIN_SIDE = 4
"""Pixels; smaller pictures show nothing a convolution could find."""


def prepared(source: Source, options: DataOptions, progress: Progress) -> Dataset:
    """The prepared data set of a source: from the cache, or read, audited and put there.

    Raises:
        DataError, UsageError: as the source finds; or the images and labels cannot be searched on.
    """
    entries = source.files(options, progress)
    digest = cache.fingerprint(entries, _identity(source, options), options.cache_dir)
    directory = cache.directory_of(options.cache_dir, source.name, digest)
    listing = _listing(source, options)
    if not cache.is_complete(directory, listing):
        with cache.exclusive(directory, progress):
            if not cache.is_complete(directory, listing):
                before = cache.stat_key(entries)
                progress(f"reading {source.name}")
                raw = source.read(entries, options, progress)
                if cache.stat_key(entries) != before:
                    raise DataError(
                        f"files of {source.name!r} changed while they were read\n"
                        "start again when they are complete"
                    )
                raw = _with_reading(raw, entries)
                return _prepare(raw, source, directory, digest, listing, progress)
    return replace(Dataset.open(directory), name=source.name, traits=source.traits)


LATER = ("label_regex", "folders", "label_level", "spellings", "pixel_order")
"""Options that version 0.1.0 did not have: they count where they are given, so that its runs still fit."""


def _identity(source: Source, options: DataOptions) -> dict[str, Any]:
    """All but the content of files that decides what the arrays are."""
    plain = DataOptions(options.data_dir, options.cache_dir)
    later = {name: getattr(options, name) for name in LATER}
    return {
        "source": source.name,
        "kind": type(source).__name__,
        "labels": options.labels and options.labels.name,
        "test": options.test and options.test.name,
        "label_column": options.label_column,
        "group_column": options.group_column,
        "group_regex": options.group_regex,
        "image_shape": options.image_shape,
        **{name: value for name, value in later.items() if value != getattr(plain, name)},
    }


def _listing(source: Source, options: DataOptions) -> str:
    """Tells apart what lies at the paths of a source, used or not; "" where its files are known by name."""
    roots = [root for root in (getattr(source, "root", None), options.test) if root is not None]
    roots += [path for _, path in getattr(source, "beside", ())]
    if not hasattr(source, "root"):
        return ""
    names = [
        f"{len(listing.left)} {entry.name}"
        for root in roots
        for listing in (survey(root, strict=False),)
        for entry in listing.entries
    ]
    names += [name for _, name in getattr(source, "left", ())]
    return hashlib.sha256("\n".join(names).encode(errors="surrogateescape")).hexdigest()


def _with_reading(raw: RawData, entries: list[Entry]) -> RawData:
    """With the names of the files where the reader has said nothing else."""
    if raw.reading.images:
        return raw
    files = list(dict.fromkeys(entry.path.name for entry in entries))
    shown = ", ".join(files[:4]) + (f" and {len(files) - 4:,} more" if len(files) > 4 else "")
    test = raw.reading.test or ("the data set's own" if raw.test_images is not None else "")
    labels = raw.reading.labels or "as this data set has them"
    reading = replace(raw.reading, images=shown, labels=labels, test=test, used=len(files))
    return replace(raw, reading=reading)


def _names(raw: RawData, kept: NDArray[np.intp], train: int) -> dict[str, list[str]]:
    """The file or row of each prepared image, or its number from 1; the first `train` of `kept` train."""
    n, tests = len(raw.train_images), 0 if raw.test_images is None else len(raw.test_images)
    one = "image" if raw.test_images is None else "training image"  # test images are drawn from them
    both = [
        *(raw.train_names or [f"{one} {i + 1}" for i in range(n)]),
        *(raw.test_names or [f"test image {i + 1}" for i in range(tests)]),
    ]
    names = [both[i] for i in kept]
    return {"train": names[:train], "test": names[train:]}


def _prepare(
    raw: RawData, source: Source, directory: Path, digest: str, listing: str, progress: Progress
) -> Dataset:
    _check(raw)
    found = find_duplicates(
        [raw.train_images] if raw.test_images is None else [raw.train_images, raw.test_images],
        _known_labels(raw),
        _percent("looking for near-copies", progress),
    )
    groups, notes = _with_known_groups(raw, found)
    if raw.test_images is None and len(np.unique(groups)) < 2:
        raise DataError(
            f"all {len(groups):,} images are copies of each other, or of one group: none can be held out\n"
            "expected different photographs, or a test split of your own (--test)"
        )
    data, kept, more = _split(raw, groups)
    _check_counts(data, raw)
    progress("auditing")
    audit = build_audit(
        data, raw, replace(found, exact=found.exact[kept], groups=found.groups[kept]), (*notes, *more)
    )
    arrays = {name: getattr(data, name) for name in Prepared.__dataclass_fields__}
    names = _names(raw, kept, len(data.train_labels))
    audit["names"] = names_mentioned(audit, names)
    return cache.store(
        directory, arrays, audit, source.name, raw.class_names, digest, source.traits, names, listing
    )


def _known_labels(raw: RawData) -> Labels:
    """Labels of all images, -1 for those of a test split, which are not to be looked at."""
    tests = 0 if raw.test_images is None else len(raw.test_images)
    return np.concatenate([raw.train_labels, np.full(tests, -1, raw.train_labels.dtype)])


def _check(raw: RawData) -> None:
    """Refuses what no split could be made of."""
    shape = raw.train_images.shape
    if min(shape[1:3]) < MIN_SIDE:
        raise DataError(f"images of {shape[1]}×{shape[2]} pixels; expected at least {MIN_SIDE}×{MIN_SIDE}")
    if raw.test_images is not None and raw.test_images.shape[1:] != shape[1:]:
        expected = "×".join(map(str, shape[1:]))
        found = "×".join(map(str, raw.test_images.shape[1:]))
        raise DataError(f"test images are {found}, training images {expected}; expected one shape for both")
    present = np.unique(raw.train_labels)
    if len(present) < 2:
        names = ", ".join(repr(raw.class_names[label]) for label in present)
        raise DataError(
            f"all {len(raw.train_labels)} images have one class, {names}; expected at least two classes"
        )


def _check_counts(data: Prepared, raw: RawData) -> None:
    class_names = raw.class_names
    counts = np.bincount(data.train_labels, minlength=len(class_names))
    rarest = int(counts.argmin())
    there = int((raw.train_labels == rarest).sum())
    groups = np.concatenate(
        [data.train_groups[data.train_labels == rarest], data.test_groups[data.test_labels == rarest]]
    )
    if counts[rarest] < MIN_IMAGES < there and len(np.unique(groups)) < there:
        raise DataError(
            f"class {class_names[rarest]!r} has {there} images, but by their near-copies too few groups for a"
            f" test split and {MIN_IMAGES} folds: copies of one photograph stay together\n"
            "expected more different photographs of it, or a test split of your own (--test)"
        )
    if counts[rarest] < MIN_IMAGES:
        raise DataError(
            f"class {class_names[rarest]!r} has {counts[rarest]} training"
            f" image{'s' if counts[rarest] != 1 else ''}, too few for {MIN_IMAGES} folds\n"
            f"expected at least {MIN_IMAGES} of each class, after a test split where none came with the data"
        )


def _with_known_groups(raw: RawData, found: Duplicates) -> tuple[Labels, list[str]]:
    """Groups of near-copies, joined where images belong to one known group."""
    if raw.train_groups is None:
        return found.groups, []
    known = [raw.train_groups]
    if raw.test_images is not None:
        unknown = np.full(len(raw.test_images), -1, np.int64)
        known.append(unknown if raw.test_groups is None else raw.test_groups)
    ids = np.concatenate(known)
    count = len(np.unique(ids[ids >= 0]))
    return join_known(found.groups, ids), [
        f"{count} known groups keep their images on one side of every split"
    ]


def _split(raw: RawData, groups: Labels) -> tuple[Prepared, NDArray[np.intp], list[str]]:
    """Train and test; which image of the files, train first, became which; and notes."""
    n = len(raw.train_images)
    if raw.test_images is not None:
        assert raw.test_labels is not None
        data = Prepared(
            *(raw.train_images, raw.train_labels, groups[:n]),
            *(raw.test_images, raw.test_labels, groups[n:]),
        )
        return data, np.arange(len(groups)), []
    test = hold_out(raw.train_labels, groups)
    a, b = np.flatnonzero(~test), np.flatnonzero(test)
    data = Prepared(
        *(raw.train_images[a], raw.train_labels[a], groups[a]),
        *(raw.train_images[b], raw.train_labels[b], groups[b]),
    )
    note = (
        f"the data came without a test split: {len(b):,} images are held out,"
        f" {1 / TEST_FOLDS:.0%} drawn once and for all, groups whole"
    )
    return data, np.concatenate([a, b]), [note]


def _percent(what: str, progress: Progress) -> Callable[[int, int], None]:
    said = [-1]

    def tell(done: int, total: int) -> None:
        tenth = 10 * done // total
        if tenth > said[0]:
            said[0] = tenth
            progress(f"{what}: {10 * tenth} %")

    return tell
