"""Servers of one's own, on free ports and in a folder that goes away: MariaDB and Redis. Standard library only."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

READY_S = 30


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def wait_for(port):
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"nobody listens on port {port}")


class Server:
    """A process on a port of its own."""

    def __init__(self, name, arguments, folder, port):
        self.name, self.arguments, self.port = name, arguments, port
        self.log = open(os.path.join(folder, f"{name}.log"), "ab")
        self.environment = dict(os.environ, TMPDIR=folder)
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.arguments, stdout=self.log, stderr=self.log, env=self.environment)
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as stream:
                # MariaDB greets when it is ready, Redis answers when asked.
                stream.settimeout(2)
                if self.name == "redis":
                    stream.sendall(b"PING\r\n")
                    if stream.recv(5) == b"+PONG":
                        return
                elif stream.recv(1):
                    return
            time.sleep(0.05)
        sys.exit(f"{self.name} does not answer, see {self.log.name}")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(READY_S)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


def start_redis(folder, keeps=True):
    """A Redis that keeps every write in its append-only file, or nothing at all."""
    port = free_port()
    data = os.path.join(folder, "redis")
    os.mkdir(data)
    file = ["--appendonly", "yes", "--appendfsync", "always"] if keeps else []
    return Server("redis", ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", data, "--save", "",
                            *file], folder, port)


def start_mariadb(folder):
    port, data = free_port(), os.path.join(folder, "mariadb")
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    subprocess.run(["mariadb-install-db", "--no-defaults", f"--user={user}", f"--datadir={data}", "--skip-test-db",
                    "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, env=dict(os.environ, TMPDIR=folder))
    first = os.path.join(folder, "first.sql")
    with open(first, "w") as file:
        # SELECT is enough for the web role; the worker writes, but is no administrator.
        file.write("CREATE DATABASE IF NOT EXISTS location CHARACTER SET utf8;\n"
                   "CREATE USER IF NOT EXISTS 'ro'@'%' IDENTIFIED BY 'ro';\n"
                   "CREATE USER IF NOT EXISTS 'rw'@'%' IDENTIFIED BY 'rw';\n"
                   "CREATE USER IF NOT EXISTS 'ddl'@'%' IDENTIFIED BY 'ddl';\n"
                   "GRANT SELECT ON location.* TO 'ro'@'%';\n"
                   "GRANT SELECT, INSERT, UPDATE, DELETE ON location.* TO 'rw'@'%';\n"
                   "GRANT ALL ON *.* TO 'ddl'@'%';\n")
    program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    return Server("mariadb", [program, "--no-defaults", f"--user={user}", f"--datadir={data}", f"--port={port}",
                              "--bind-address=127.0.0.1", "--skip-name-resolve", f"--socket={folder}/socket",
                              f"--init-file={first}", "--innodb-fast-shutdown=2"], folder, port)
