"""A page in the browser of this machine: shown to somebody, or kept as a picture."""

import shutil
import subprocess
import webbrowser
from pathlib import Path

from nurture.domain.errors import InputError

_BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
_LONGEST = 60.0
"""Seconds that a browser may take for one picture."""


def show(page: Path) -> None:
    """Open the page in the person's own browser. Raises InputError where there is none."""
    if not webbrowser.open(page.resolve().as_uri()):
        raise InputError("no browser could be opened", str(page))


def picture(
    page: Path,
    target: Path,
    width: int = 720,
    height: int = 1200,
    dark: bool = False,
    longest: float = _LONGEST,
) -> None:
    """The page as PNG, by day or by night. Raises InputError when no browser is found, or it makes no
    picture, in `longest` seconds."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise InputError(f"a picture needs one of these browsers: {', '.join(_BROWSERS)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--window-size={width},{height}",
        f"--screenshot={target.resolve()}",
        page.resolve().as_uri(),
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=longest, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{browser} took longer than {longest:g} s", str(target)) from error
    if done.returncode or not target.is_file():
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"{browser} made no picture: {said[-1] if said else 'no reason'}")
