#!/usr/bin/env python3
"""Runs one command, perhaps several times at once, and measures it; standard library only.

usage: timed.py LIMIT_S TIMES COMMAND...

Prints `seconds=… peak_kb=…`: the time until all have ended, and the largest memory one of them
used. Ends with status 1 when one fails or the limit passes; what still runs then is ended.
"""
import resource
import subprocess
import sys
import time


def main():
    limit_s, times, command = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    start = time.monotonic()
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(times)]
    try:
        failed = [run.wait(max(start + limit_s - time.monotonic(), 0.1)) for run in runs]
    except subprocess.TimeoutExpired:
        for run in runs:
            run.kill()
        sys.exit(f"not done after {limit_s:.0f} s: {' '.join(command)}")
    seconds = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"seconds={seconds:.3f} peak_kb={used.ru_maxrss} cpu_s={used.ru_utime + used.ru_stime:.2f}")
    if any(failed):
        sys.exit(1)


if __name__ == "__main__":
    main()
