"""Open a page in the Chromium that is installed, as a phone and as a desk, by day and by night; say what was seen.

Runs in dbt's environment: ``.venv-analytics/bin/python tests/analytics/look_at_page.py PAGE FOLDER`` leaves
screenshots in FOLDER and prints a JSON object per look.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

SCREENS = {
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True},
    "desk": {"viewport": {"width": 1280, "height": 900}},
}
# It shall ask nobody for anything, not even where it runs as root in a container.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def looks(browser: Browser, page: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """What each kind of reader sees."""
    for screen, options in SCREENS.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(**options, color_scheme=scheme, offline=True)
            tab = context.new_page()
            complaints: list[str] = []
            tab.on("console", lambda message, heard=complaints: heard.append(message.text))
            tab.on("pageerror", lambda error, heard=complaints: heard.append(str(error)))
            tab.on(
                "request",
                lambda request, heard=complaints: request.is_navigation_request() or heard.append(request.url),
            )
            tab.goto(page.resolve().as_uri())
            tab.wait_for_selector("html[data-drawn]", timeout=30_000)
            tab.screenshot(path=folder / f"{screen}-{scheme}.png", full_page=True)
            yield {
                "screen": screen,
                "scheme": scheme,
                "complaints": complaints,
                "charts": int(tab.evaluate("document.documentElement.dataset.drawn")),
                "drawn": tab.evaluate(
                    "[...document.querySelectorAll('.chart')].filter(c => c.querySelector('svg path')).length"
                ),
                "overflows": tab.evaluate("document.documentElement.scrollWidth > innerWidth"),
                "paper": tab.evaluate("getComputedStyle(document.body).backgroundColor"),
            }
            context.close()


def main(page: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for look in looks(browser, page, folder):
            print(json.dumps(look))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
