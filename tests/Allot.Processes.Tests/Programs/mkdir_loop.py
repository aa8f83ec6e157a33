#!/usr/bin/env python3
"""mkdir_loop.py DIR [ROUNDS=100000] [SECONDS=60]

The loop of mkdir-loop.c in python: os.mkdir("x"), os.chdir("x") until refused, ROUNDS done, or SECONDS over.
Prints "mkdir 123 ENOMEM", "mkdir 100000 ok" or "mkdir 4711 deadline"; exits with 1, 0 or 3.
"""
import errno
import os
import signal
import sys
import time


def main() -> int:
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    signal.alarm(seconds + 30)
    deadline = time.monotonic() + seconds
    os.chdir(sys.argv[1])
    done = 0
    try:
        while done < rounds and time.monotonic() < deadline:
            os.mkdir("x")
            os.chdir("x")
            done += 1
    except OSError as error:
        print("mkdir", done, errno.errorcode.get(error.errno, error.errno), flush=True)
        print(f"mkdir: {error.strerror}", file=sys.stderr, flush=True)
        return 1
    print("mkdir", done, "ok" if done == rounds else "deadline", flush=True)
    return 0 if done == rounds else 3


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main())
