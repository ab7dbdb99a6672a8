"""A pair of backends of one's own with stations in them, and a `web` on it. Standard library only."""
import contextlib
import os
import subprocess

from load import load_mysql, load_sqlite, run_mysql
from servers import free_port, start_mariadb, start_redis, wait_for


class Pair:
    """Empty tables (`settings`: statements for MariaDB before anything else), and the environment that names them."""

    def __init__(self, kind, binary, folder, settings=(), **variables):
        self.kind, self.binary, self.servers, self.mariadb = kind, binary, [], None
        if kind == "servers":
            self.mariadb, redis = start_mariadb(folder), start_redis(folder, keeps=False)
            self.servers = [self.mariadb, redis]
            self.uri, queue = f"mysql://ddl:ddl@127.0.0.1:{self.mariadb.port}/location", f"redis://127.0.0.1:{redis.port}/0"
            run_mysql(self.uri, settings)
        else:
            self.path = os.path.join(folder, "tables.sqlite")
            self.uri, queue = f"sqlite:{self.path}", f"sqlite:{os.path.join(folder, 'queue.sqlite')}"
        self.environment = dict(os.environ, DB_READWRITE_URI=self.uri, REDIS_URI=queue, BIND="127.0.0.1", DATA_DIR=folder,
                                SECRET_KEY="of this measurement", GEOIP_PATH=os.path.join(folder, "none.mmdb"),
                                LOGGING_LEVEL="WARNING", **variables)
        subprocess.run([binary, "db", "migrate"], env=self.environment, check=True, capture_output=True)

    def load(self, rows):
        """Loads what data.py has made into a folder."""
        load_mysql(rows, self.uri) if self.kind == "servers" else load_sqlite(rows, self.path)

    @contextlib.contextmanager
    def web(self, log):
        """A `web` process and its port."""
        port = free_port()
        process = subprocess.Popen([self.binary, "web"], env=dict(self.environment, GUNICORN_PORT=str(port)), stdout=log, stderr=log)
        try:
            wait_for(port)
            yield process, port
        finally:
            process.terminate()
            process.wait(60)

    def stop(self):
        for server in self.servers:
            server.stop()
