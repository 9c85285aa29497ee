"""Starts a command on a pseudo-terminal as a new user would, waits for the console's first screen, and quits it.

usage: first-start.py "COMMAND"

Exit status 0: the deck was drawn, `q` ended it with status 0, and the terminal was left as it was found.
"""

import os
import pty
import select
import sys
import termios
import time

BUILD_SECONDS_MAX = 1500
QUIT_SECONDS_MAX = 15
LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"


def read_until(fd, seen, wanted, seconds):
    deadline = time.monotonic() + seconds
    while not all(text in seen for text in wanted):
        left = deadline - time.monotonic()
        if left <= 0:
            return seen, False
        if select.select([fd], [], [], min(left, 1.0))[0]:
            try:
                chunk = os.read(fd, 65536)
            except OSError:
                return seen, all(text in seen for text in wanted)
            if not chunk:
                return seen, False
            seen += chunk
    return seen, True


def fail(why, seen):
    sys.stdout.write(f"first-start: {why}\n--- what it printed ---\n{seen[-4000:].decode(errors='replace')}\n")
    sys.exit(1)


def main():
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "-c", "stty rows 45 cols 160; exec " + sys.argv[1]])
    before = termios.tcgetattr(fd)[:4]
    seen, drawn = read_until(fd, b"", [b"\x1b[?1049h", b"Search", b"Timeline"], BUILD_SECONDS_MAX)
    if not drawn:
        fail("the console did not draw its deck", seen)
    os.write(fd, b"q")
    seen, left = read_until(fd, seen, [LEAVE_ALTERNATE_SCREEN], QUIT_SECONDS_MAX)
    if not left:
        fail("q did not leave the alternate screen", seen)
    deadline = time.monotonic() + QUIT_SECONDS_MAX
    while time.monotonic() < deadline:
        after = termios.tcgetattr(fd)[:4]
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            if os.waitstatus_to_exitcode(status) != 0:
                fail(f"exit status {os.waitstatus_to_exitcode(status)}", seen)
            if after != before:
                fail("the terminal's modes are not as before", seen)
            print("first-start: the deck was drawn, q ended it, the terminal is as before")
            return
        time.sleep(0.05)
    fail("q did not end the process", seen)


main()
