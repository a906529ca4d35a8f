"""The programs of others: workerd, nginx, serverless-offline; dynalite is in tables.py. benchmarks/peers/install.sh brings them."""

import os
import pathlib
import shutil
import subprocess

import loopback
from contender import BODY, Contender, NotAvailable, Request

ROOT = pathlib.Path(__file__).resolve().parents[1]
INSTALLED = ROOT / "build/bench"
MODULES = INSTALLED / "peers/node_modules"
SOURCES = ROOT / "benchmarks/peers"
JSON = {"Content-Type": "application/json"}

WORKERD_CONFIG = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .echo) ],
  sockets = [ (name = "http", address = "127.0.0.1:%d", http = (), service = "main") ]
);
const echo :Workerd.Worker = (
  modules = [ (name = "worker", esModule = embed "echo_worker.js") ],
  compatibilityDate = "2026-01-01"
);
"""

NGINX_CONFIG = """
daemon off; worker_processes 1; pid %(folder)s/pid; error_log %(folder)s/error.log;
events {}
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/proxy; fastcgi_temp_path %(folder)s/fastcgi;
  uwsgi_temp_path %(folder)s/uwsgi; scgi_temp_path %(folder)s/scgi;
  server { listen 127.0.0.1:%(port)d; location / { default_type application/json; return 200 '%(body)s'; } }
}
"""

OFFLINE_CONFIG = """
service: bench
frameworkVersion: '3'
plugins: [%(modules)s/serverless-offline]
provider: {name: aws, runtime: nodejs20.x}
functions:
  echo: {handler: handler.echo, timeout: 60}
custom:
  serverless-offline: {host: 127.0.0.1, httpPort: %(http)d, lambdaPort: %(port)d, websocketPort: %(websocket)d,
                       noPrependStageInUrl: true, terminateIdleLambdaTime: 7200}
"""


def wait_until_it_answers(contender, seconds):
    request = contender.requests[0]
    data = loopback.request_bytes(request.method, request.path, contender.port, request.headers, request.body)
    try:
        loopback.wait_for_answer(contender.port, data, seconds)
    except TimeoutError as error:
        raise NotAvailable(str(error)) from error


class Workerd(Contender):
    title = "workerd echo"

    def start(self, folder):
        binary = MODULES / "@cloudflare/workerd-linux-64/bin/workerd"
        if not binary.exists():
            raise NotAvailable("workerd is not installed (npm)")
        self.port = loopback.free_port()
        shutil.copy(SOURCES / "echo_worker.js", folder)
        (folder / "config.capnp").write_text(WORKERD_CONFIG % self.port)
        self.group.start([binary, "serve", folder / "config.capnp"], stdout=open(folder / "log", "wb"),
                         stderr=subprocess.STDOUT)
        self.requests = [Request("POST", "/", JSON)]
        wait_until_it_answers(self, 30)


class Nginx(Contender):
    title = "nginx return 200"

    def start(self, folder):
        unpacked = INSTALLED / "nginx/usr/sbin/nginx"
        binary = shutil.which("nginx") or (str(unpacked) if unpacked.exists() else None)
        if not binary:
            raise NotAvailable("nginx is not there (Debian)")
        self.port = loopback.free_port()
        config = NGINX_CONFIG % {"folder": folder, "port": self.port, "body": BODY.decode()}
        (folder / "nginx.conf").write_text(config)
        # Where root starts it, its worker runs as an account that may not exist here.
        user = "user root;" if os.getuid() == 0 else ""
        self.group.start([binary, "-e", folder / "error.log", "-c", folder / "nginx.conf", "-g", user],
                         stdout=open(folder / "log", "wb"), stderr=subprocess.STDOUT)
        self.requests = [Request("POST", "/", JSON)]
        wait_until_it_answers(self, 30)


class ServerlessOffline(Contender):
    title = "serverless-offline Node.js, Invoke"

    def start(self, folder):
        if not (MODULES / "serverless-offline").exists():
            raise NotAvailable("serverless-offline is not installed (npm)")
        self.port = loopback.free_port()
        (folder / "serverless.yml").write_text(OFFLINE_CONFIG % {
            "modules": MODULES, "port": self.port, "http": loopback.free_port(), "websocket": loopback.free_port()})
        shutil.copy(SOURCES / "offline_handler.js", folder / "handler.js")
        quiet = {**{k: v for k, v in os.environ.items() if not k.startswith("AWS_")}, "HOME": str(folder), "CI": "1",
                 "SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "AWS_ACCESS_KEY_ID": "none",
                 "AWS_SECRET_ACCESS_KEY": "none"}
        self.group.start(["node", MODULES / "serverless/bin/serverless.js", "offline", "start"], cwd=folder, env=quiet,
                         stdout=open(folder / "log", "wb"), stderr=subprocess.STDOUT)
        self.requests = [Request("POST", "/2015-03-31/functions/bench-dev-echo/invocations", JSON)]
        wait_until_it_answers(self, 60)
