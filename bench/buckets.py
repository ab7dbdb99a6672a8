"""A server of the S3 protocol for measurements: moto, which scripts/prepare-tests installs."""
import pathlib
import subprocess
import sys
import time
import urllib.request

from servers import free_port

MOTO = pathlib.Path(__file__).resolve().parent.parent / "target/test-tools/bin/moto_server"


class S3Server:
    def __init__(self, folder):
        self.address = f"http://127.0.0.1:{free_port()}"
        port = self.address.rsplit(":", 1)[1]
        self.process = subprocess.Popen([MOTO, "-H", "127.0.0.1", "-p", port], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=folder)
        for _ in range(600):
            try:
                return urllib.request.urlopen(f"{self.address}/moto-api/").close()
            except OSError:
                time.sleep(0.1)
        self.stop()
        sys.exit("moto does not answer")

    def make_bucket(self, name):
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/{name}", method="PUT")).close()

    def environment(self, bucket):
        """The settings of whoever is to use it."""
        return {"ASSET_BUCKET": bucket, "AWS_ENDPOINT_URL": self.address, "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "b"}

    def stop(self):
        self.process.terminate()
        self.process.wait()
