#!/usr/bin/env python3
"""Makes the pictures in docs/pictures: the program in a real terminal (tmux), its screen drawn cell by cell.

    apt-get install tmux fonts-dejavu-core && pip install pillow wcwidth
    cargo build --release && docs/pictures.py target/release/wheelhouse [NAME...]

Every picture has a hub of its own, filled with this repository's documents and a few memories.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from wcwidth import wcwidth

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "pictures"
SIZES = ["200x60", "160x45", "100x30", "80x24", "40x12"]
THEMES = {"dark": "harbour", "light": "harbour-day", "high-contrast": "high-contrast"}
# A picture, the keys that lead to it, and a text that stands on it then.
PANES = {
    "deck": ([], "LIVE"),
    "search": (["s", "roll back before restart", "Escape", "z", "Enter"], "workers"),
    "timeline": (["4", "z", "Enter"], "recorded"),
    "decisions": (["2", "z", "Enter"], "one log"),
    "jobs": (["3", "z", "Enter"], "nightly_report"),
    "health": (["5", "z"], "records"),
    "log": (["0", "z"], "Log"),
}
# How often each of the jobs has run.
JOBS = """
[[job]]
slug = "nightly_report"
title = "What the night brought"
project = "ops"
schedule = { cron = "30 2 * * *", zone = "Europe/Berlin" }
kind = { command = ["echo", "3 deploys, none rolled back"] }

[[job]]
slug = "mirror_rfcs"
project = "ops"
schedule = { every = "6h", phase = "10m" }
kind = { command = ["sh", "-c", "echo fetching; exit 64"] }
"""
RUNS = {"nightly_report": 5, "mirror_rfcs": 1, "snapshot": 3, "index_check": 2, "performance_metrics": 4}
NOTES = [
    ("Roll back before you restart the workers", "howto", "deploy,incident",
     "When a deploy fails half way, **roll back first**.\n\n1. `deploy rollback --to last-good`\n2. wait for the queue to drain\n"
     "3. restart the workers, one zone at a time\n\n```sh\nfor zone in a b c; do\n  deploy restart --zone \"$zone\"  # never all at once\ndone\n```\n"),
    ("The migration lock is held for ten minutes after a crash", "gotcha", "deploy,postgres",
     "A deploy that fails while the migration lock is held leaves it for **600 s**. See <https://wiki.postgresql.org/wiki/Lock_Monitoring>.\n"),
    ("Canary first, then the rest", "note", "deploy", "A green canary for five minutes before anything else moves.\n"),
    ("Tokens of the mail gateway rotate on the first Monday", "note", "secrets", "Ask the on-call; the old one works for an hour more.\n"),
]
# A decision as `decide` takes it, and what came of it.
DECISIONS = [
    ({"title": "Run the nightly jobs in the hub itself", "context": "Cron on one machine dies with it.",
      "options": ["cron", "the hub"], "chosen_option": "the hub", "confidence": 0.7, "tags": "jobs"}, "successful"),
    ({"title": "Keep sessions in Redis", "context": "The web tier must be without state.",
      "options": ["Redis", "PostgreSQL"], "chosen_option": "Redis", "confidence": 0.9, "tags": "deploy"}, "failed"),
    ({"title": "Pin the toolchain for a year", "chosen_option": "pin", "options": ["pin", "follow stable"],
      "confidence": 0.6, "review_on": "2027-01-04"}, None),
    ({"title": "Deploy by canary", "status": "proposed", "context": "Two roll-backs in one week.",
      "options": ["canary", "blue and green"]}, None),
    ({"title": "Use one log for everything that changes", "context": "Two stores of the truth drifted apart after a power cut.",
      "options": [{"title": "one log", "pros": ["one fsync serves many writers", "replay"], "cons": ["views must be rebuilt"]},
                  {"title": "a table for each kind", "cons": ["nothing ties them together"]}],
      "chosen_option": "one log", "rationale": "what is acknowledged is on disk, once", "confidence": 0.85, "tags": "store"}, "partial"),
]
FONT_SIZE = 15
FACES = {False: "DejaVuSansMono.ttf", True: "DejaVuSansMono-Bold.ttf"}
PATIENCE_S = 60
SIXTEEN = ["000000", "cd3131", "0dbc79", "e5e510", "2472c8", "bc3fbc", "11a8cd", "e5e5e5",
           "666666", "f14c4c", "23d18b", "f5f543", "3b8eea", "d670d6", "29b8db", "ffffff"]


def colour(number):
    """Of the 256, as RGB."""
    if number < 16:
        return tuple(bytes.fromhex(SIXTEEN[number]))
    if number < 232:
        steps = [0, 95, 135, 175, 215, 255]
        number -= 16
        return steps[number // 36], steps[number // 6 % 6], steps[number % 6]
    return (8 + 10 * (number - 232),) * 3


class Look:
    """How a cell looks, as the escape sequences so far say."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.fg = self.bg = None
        self.bold = self.dim = self.underline = self.reverse = False

    def take(self, codes):
        codes = [int(code or 0) for code in codes.replace(":", ";").split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code in (1, 2, 4, 7):
                setattr(self, {1: "bold", 2: "dim", 4: "underline", 7: "reverse"}[code], True)
            elif code == 22:
                self.bold = self.dim = False
            elif code in (24, 27):
                setattr(self, {24: "underline", 27: "reverse"}[code], False)
            elif code in (38, 48):
                kind = codes.pop(0)
                value = colour(codes.pop(0)) if kind == 5 else tuple(codes.pop(0) for _ in range(3))
                setattr(self, "fg" if code == 38 else "bg", value)
            elif code in (39, 49):
                setattr(self, "fg" if code == 39 else "bg", None)
            elif code // 10 in (3, 4, 9, 10):
                value = colour(code % 10 + (8 if code >= 90 else 0))
                setattr(self, "fg" if code // 10 in (3, 9) else "bg", value)

    def colours(self):
        fg, bg = self.fg or (229, 229, 229), self.bg or (0, 0, 0)
        if self.reverse:
            fg, bg = bg, fg
        if self.dim:
            fg = tuple((2 * f + b) // 3 for f, b in zip(fg, bg))
        return fg, bg


def draw(screen, columns, rows, path):
    faces = {bold: ImageFont.truetype(name, FONT_SIZE) for bold, name in FACES.items()}
    wide, (up, down) = round(faces[False].getlength("M")), faces[False].getmetrics()
    high = up + down
    picture = Image.new("RGB", (columns * wide, rows * high))
    pen = ImageDraw.Draw(picture)
    look = Look()
    for row, line in enumerate(screen.split("\n")[:rows]):
        column = 0
        for sequence, letter in re.findall(r"\x1b\[([\d;:]*)m|\x1b[^m]*?\\|(.)", line):
            if not letter:
                look.take(sequence)
                continue
            fg, bg = look.colours()
            cells = max(wcwidth(letter), 0)
            x, y = column * wide, row * high
            if cells:
                pen.rectangle([x, y, x + cells * wide - 1, y + high - 1], fill=bg)
            if letter != " ":
                pen.text((x, y), letter, font=faces[look.bold], fill=fg)
            if look.underline:
                pen.line([x, y + high - 2, x + cells * wide - 1, y + high - 2], fill=fg)
            column += cells
        _, bg = look.colours()
        pen.rectangle([column * wide, row * high, columns * wide, (row + 1) * high - 1], fill=bg)
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


class Terminal:
    """The program in a tmux of its own."""

    def __init__(self, program, home, size, theme):
        self.columns, self.rows = (int(part) for part in size.split("x"))
        self.socket = str(home / "tmux")
        env = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "COLORTERM": "truecolor",
               "LANG": "C.UTF-8", "TZ": "UTC"}
        config = home / ".config" / "wheelhouse" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'theme = "{theme}"\nlog_level = "debug"\n')
        # Not in this repository, whose name would be the project.
        command = ["env", "-C", str(home), *(f"{name}={value}" for name, value in env.items()), program]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(self.columns), "-y", str(self.rows), *command)
        self.tmux("set", "-g", "status", "off")

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket, *args], check=True, capture_output=True, text=True).stdout

    def press(self, key):
        named = key in ("Enter", "Escape", "Tab", "C-c") or len(key) == 1
        self.tmux("send-keys", *([] if named else ["-l"]), key)

    def wait(self, text):
        """Until `text` stands there and nothing has moved for a while but the clock."""
        end, before, since = time.monotonic() + PATIENCE_S, None, time.monotonic()
        while time.monotonic() < end:
            now = self.tmux("capture-pane", "-p").split("\n", 1)[-1]
            if now != before:
                before, since = now, time.monotonic()
            elif text in now or text == "LIVE" and time.monotonic() > since + 0.7:
                if time.monotonic() > since + 0.7:
                    return
            time.sleep(0.1)
        sys.exit(f"{text!r} did not come:\n{before}")

    def end(self):
        """Asks the program to quit, and waits until its terminal is gone."""
        self.press("C-c")
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if subprocess.run(["tmux", "-S", self.socket, "has-session"], capture_output=True).returncode:
                return
            time.sleep(0.05)
        self.tmux("kill-server")


def fill(program, home):
    env = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "WHEELHOUSE_JOBS_COMMANDS": "true"}
    ask = lambda *args, text="": subprocess.run(
        [program, *args], env=env, cwd=home, check=True, capture_output=True, input=text.encode())
    notes = home / "notes"
    notes.mkdir()
    for document in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        shutil.copy2(document, notes)
    ask("import", "--project", "wheelhouse", str(notes))
    for title, kind, tags, text in NOTES:
        ask("add", text, "--title", title, "--type", kind, "--tags", tags, "--project", "ops")
    for number, (decision, outcome) in enumerate(DECISIONS, 1):
        ask("decide", "--from", "-", "--project", "ops", text=json.dumps(decision))
        if outcome:
            ask("outcome", f"D-{number}", "--status", outcome)
    (home / "jobs.toml").write_text(JOBS)
    ask("jobs", "define", "jobs.toml")
    for job, runs in RUNS.items():
        for _ in range(runs):
            subprocess.run([program, "jobs", "run", job], env=env, cwd=home, capture_output=True)


def main():
    program, *names = sys.argv[1:]
    program = str(Path(program).resolve())
    OUT.mkdir(exist_ok=True)
    for pane, (keys, shows) in PANES.items():
        for look, theme in THEMES.items():
            for size in SIZES:
                name = f"{pane}-{size}-{look}"
                if names and not any(part in name for part in names):
                    continue
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
                    fill(program, Path(home))
                    terminal = Terminal(program, Path(home), size, theme)
                    try:
                        terminal.wait("LIVE")
                        for key in keys:
                            terminal.press(key)
                            time.sleep(0.3)
                        terminal.wait(shows)
                        screen = terminal.tmux("capture-pane", "-e", "-p")
                        draw(screen, terminal.columns, terminal.rows, OUT / f"{name}.png")
                    finally:
                        terminal.end()
                print(name, flush=True)


if __name__ == "__main__":
    main()
