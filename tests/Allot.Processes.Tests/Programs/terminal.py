#!/usr/bin/env python3
"""terminal.py STEP... -- COMMAND [ARG...]

Runs a command on a terminal of its own (a pty, as its session's leader) and plays a person at it. Steps:
  wait:TEXT   reads until TEXT has been shown
  type:TEXT   types TEXT; ^C is Ctrl-C, ^Z Ctrl-Z, ^J a new line (which ends a line in every mode)
  hangup      closes the terminal
Then it reads to the end, prints all that was shown, and "exit N" (128 + signal). Bounded by 30 seconds.
"""
import os
import pty
import signal
import sys

KEYS = {"^C": b"\x03", "^Z": b"\x1a", "^J": b"\n", "^\\": b"\x1c"}


def keys(text: str) -> bytes:
    data = text.encode()
    for name, key in KEYS.items():
        data = data.replace(name.encode(), key)
    return data


def main() -> int:
    split = sys.argv.index("--")
    steps, command = sys.argv[1:split], sys.argv[split + 1:]
    pid, terminal = pty.fork()
    if pid == 0:
        # A terminal's first program ignores nothing, whoever started us: a shell's background job ignores Ctrl-C.
        for key in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP):
            signal.signal(key, signal.SIG_DFL)
        os.execvp(command[0], command)

    def give_up(*_):
        print(shown.decode(errors="replace"), "\nexit timeout", flush=True)
        os.killpg(pid, signal.SIGKILL)
        os._exit(1)

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(30)
    shown = bytearray()
    seen = 0

    def read() -> bool:
        try:
            data = os.read(terminal, 4096)
        except OSError:   # EIO: nobody has the other side open
            return False
        shown.extend(data)
        return bool(data)

    closed = False
    for step in steps:
        kind, _, text = step.partition(":")
        if kind == "type":
            os.write(terminal, keys(text))
        elif kind == "hangup":
            os.close(terminal)
            closed = True
        else:
            while shown.find(text.encode(), seen) < 0 and read():
                pass
            seen = max(seen, shown.find(text.encode(), seen) + len(text))
    while not closed and read():
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(shown.decode(errors="replace").replace("\r\n", "\n"))
    print("exit", status if status >= 0 else 128 - status)
    return 0


if __name__ == "__main__":
    sys.exit(main())
