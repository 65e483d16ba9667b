"""Debian's puppetserver as a compiler: its own configuration, but for folders, and no CA."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

from harness import WAIT, run, until

PACKAGE = pathlib.Path("/etc/puppet/puppetserver")
JAR = pathlib.Path("/usr/share/puppetserver/puppetserver.jar")
CONFIG = pathlib.Path(__file__).resolve().parents[2] / "config/puppet"
STARTS = 180  # seconds; a JVM that loads JRuby and Puppet, on a machine that is busy

LOGBACK = """<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
<encoder><pattern>%d %-5p [%c{2}] %m%n</pattern></encoder></appender>
<root level="info"><appender-ref ref="OUT"/></root></configuration>
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Compiler:
    """A puppetserver below `folder` that serves `site` (site.pp) and the modules of config/puppet.

    `name` is its certname; it also answers as localhost.
    """

    def __init__(self, folder, service, name, site):
        self.folder = pathlib.Path(folder)
        self.service = service
        self.name = name
        self.port = free_port()
        self.process = None
        self.ssl = self.folder / "ssl"
        self.log_path = self.folder / "puppetserver.log"
        production = self.folder / "code/environments/production"
        for path in ("conf", "var", "run", "log", "server"):
            (self.folder / path).mkdir(parents=True)
        (production / "manifests").mkdir(parents=True)
        (production / "manifests/site.pp").write_text(site)
        (production / "modules").mkdir()
        shutil.copytree(CONFIG / "countersign", production / "modules/countersign")
        self._write_puppet_conf()
        self._write_puppetserver()

    def _write_puppet_conf(self):
        """The example of config/puppet/compiler, with this service and these folders."""
        text = (CONFIG / "compiler/puppet.conf").read_text()
        for old, new in (("ca_server = ca.example.com", "ca_server = localhost"),
                         ("ca_port = 8140", f"ca_port = {self.service.port}"),
                         ("certname = compiler1.example.com", f"certname = {self.name}"),
                         ("dns_alt_names = compiler1.example.com,puppet.example.com",
                          f"dns_alt_names = {self.name},localhost\n"
                          f"keylength = 2048\nssldir = {self.ssl}\nvardir = {self.folder}/var\n"
                          f"rundir = {self.folder}/run\nlogdir = {self.folder}/log\n"
                          f"codedir = {self.folder}/code")):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.folder / "conf/puppet.conf").write_text(text)

    def _write_puppetserver(self):
        server = self.folder / "server"
        for part in ("conf.d", "services.d"):
            shutil.copytree(PACKAGE / part, server / part)
        shutil.copy(CONFIG / "compiler/ca.cfg", server / "services.d/ca.cfg")
        (server / "logback.xml").write_text(LOGBACK)
        (server / "conf.d/product.conf").write_text("product: { check-for-updates: false }\n")
        (server / "conf.d/global.conf").write_text(
            f'global: {{ logging-config: "{server}/logback.xml" }}\n')
        (server / "conf.d/webserver.conf").write_text(
            f"webserver: {{ client-auth: want, ssl-host: 127.0.0.1, ssl-port: {self.port} }}\n")
        path = server / "conf.d/puppetserver.conf"
        text = path.read_text()
        for old, new in (("/etc/puppet/code", f"{self.folder}/code"),
                         ("server-conf-dir: /etc/puppet", f"server-conf-dir: {self.folder}/conf"),
                         ("/var/lib/puppetserver", f"{self.folder}/var"),
                         ("/run/puppetserver", f"{self.folder}/run"),
                         ("/var/log/puppetserver", f"{self.folder}/log")):
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text + "jruby-puppet: { max-active-instances: 1 }\n")

    def ssl_command(self, action, *arguments, check=True):
        return run("puppet", "ssl", action, "--confdir", self.folder / "conf", *arguments,
                   check=check, timeout=120)

    def fetch_crl(self):
        """The script that its timer runs."""
        return run(CONFIG / "compiler/fetch-crl", self.ssl, self.name, "localhost",
                   self.service.port)

    def start(self):
        restarts = self.folder / "restarts"
        restarts.write_text("0")
        server = self.folder / "server"
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            ["java", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             "-Djruby.lib=/usr/share/jruby/lib",
             "-Djruby.logger.class=com.puppetlabs.jruby_utils.jruby.Slf4jLogger",
             "-jar", JAR, "--config", server / "conf.d",
             "--bootstrap-config", server / "services.d", "--restart-file", restarts],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, "HOME": str(self.folder)})

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"puppetserver did not start:\n{self.log_text()[-4000:]}")
            return restarts.read_text().startswith("1")

        until(ready, "puppetserver is ready", seconds=STARTS)
        return self

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT)
        self.log.close()
        self.process = None
