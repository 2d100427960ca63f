"""A file system small enough to be filled: a tmpfs, which only root can mount."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEGABYTES = 512


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """None, loudly, where none can be mounted: then no disk gets full."""
    folder.mkdir(parents=True)
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(folder)]
    if (
        mount is None
        or os.geteuid() != 0
        or subprocess.run([mount, *options], check=False).returncode
    ):
        sys.stderr.write("no small disk can be mounted here: the disk does not get full\n")
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
