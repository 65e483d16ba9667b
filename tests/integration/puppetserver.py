"""Debian's real puppetserver in a folder of its own, and `puppetserver ca`."""

import os
import pathlib
import signal
import socket
import subprocess

from harness import WAIT, run, until

JAR = pathlib.Path("/usr/share/puppetserver/puppetserver.jar")
STARTS = 150  # seconds; a JVM that loads JRuby and Puppet, on a machine that is busy
MEMORY = "-Xmx768m"

# The services of the package, less those that report to the outside.
SERVICES = """
puppetlabs.services.request-handler.request-handler-service/request-handler-service
puppetlabs.services.jruby.jruby-puppet-service/jruby-puppet-pooled-service
puppetlabs.services.jruby-pool-manager.jruby-pool-manager-service/jruby-pool-manager-service
puppetlabs.services.puppet-profiler.puppet-profiler-service/puppet-profiler-service
puppetlabs.trapperkeeper.services.webserver.jetty9-service/jetty9-service
puppetlabs.trapperkeeper.services.webrouting.webrouting-service/webrouting-service
puppetlabs.services.config.puppet-server-config-service/puppet-server-config-service
puppetlabs.services.master.master-service/master-service
puppetlabs.trapperkeeper.services.authorization.authorization-service/authorization-service
puppetlabs.services.versioned-code-service.versioned-code-service/versioned-code-service
puppetlabs.trapperkeeper.services.scheduler.scheduler-service/scheduler-service
puppetlabs.trapperkeeper.services.status.status-service/status-service
puppetlabs.trapperkeeper.services.metrics.metrics-service/metrics-service
puppetlabs.services.jruby.jruby-metrics-service/jruby-metrics-service
puppetlabs.trapperkeeper.services.watcher.filesystem-watch-service/filesystem-watch-service
"""
CA_SERVICE = {
    True: "puppetlabs.services.ca.certificate-authority-service/certificate-authority-service",
    False: "puppetlabs.services.ca.certificate-authority-disabled-service/"
           "certificate-authority-disabled-service",
}

CONFIG = """
global: {{ logging-config: "{folder}/logback.xml" }}
webserver: {{ client-auth: want, ssl-host: 127.0.0.1, ssl-port: {port} }}
web-router-service: {{
  "puppetlabs.services.ca.certificate-authority-service/certificate-authority-service": "/puppet-ca"
  "puppetlabs.services.master.master-service/master-service": "/puppet"
  "puppetlabs.trapperkeeper.services.status.status-service/status-service": "/status"
}}
jruby-puppet: {{
  ruby-load-path: [/usr/lib/puppetserver/ruby/vendor_ruby]
  gem-home: "{folder}/gems"
  gem-path: ["{folder}/gems", "/usr/lib/puppetserver/vendored-jruby-gems"]
  server-conf-dir: "{folder}/conf", server-code-dir: "{folder}/code", server-var-dir: "{folder}/var"
  server-run-dir: "{folder}/run", server-log-dir: "{folder}/log"
  max-active-instances: 1
}}
metrics: {{ server-id: localhost }}
certificate-authority: {{ {ca_conf} }}
"""

LOGBACK = """<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
<encoder><pattern>%d %-5p [%c{2}] %m%n</pattern></encoder></appender>
<root level="info"><appender-ref ref="OUT"/></root></configuration>
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


# Jetty 9 now and then leaves the next request of a kept connection unread until its idle timeout.
ONE_REQUEST_A_CONNECTION = (
    "Puppetserver::Ca::Utils::HttpClient::DEFAULT_HEADERS['Connection'] = 'close'\n")


def puppetserver_ca(action, *arguments, config, home, kept=True):
    """The real command line; the completed process. `home` keeps it from a user's own files."""
    script = ("require 'puppetserver/ca/cli'\n" + ("" if kept else ONE_REQUEST_A_CONNECTION) +
              "exit Puppetserver::Ca::Cli.run(ARGV, STDOUT, STDERR)\n")
    return run("ruby", "-e", script, action, *arguments, "--config", config, check=False,
               env={**os.environ, "HOME": str(home)})


class RealPuppetserver:
    """puppetserver 7.9.5 on a free port of the loopback.

    `ca_conf` is the inside of `certificate-authority`, `settings` lines of puppet.conf's [main].
    Its certificate is for localhost. Its CA is that of `cadir`, or one that make_ca() makes: a root
    and an intermediate, with 2048-bit keys.
    """

    keeps_connections = False
    jvm = (MEMORY, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # to start soon, for tests

    def __init__(self, folder, settings="", ca_conf="", ca=True, cadir=None, port=None,
                 keylength=2048):
        self.folder = pathlib.Path(folder)
        self.process = None
        self.port = port or free_port()
        self.url = f"https://localhost:{self.port}"
        self.ca_conf = ca_conf
        self.keylength = keylength
        self.cadir = pathlib.Path(cadir or self.folder / "ca")
        self.ssl = self.folder / "ssl"
        self.conf = self.folder / "conf/puppet.conf"
        self.restarts = self.folder / "restarts"
        self.log_path = self.folder / "puppetserver.log"
        for name in ("conf", "code", "var", "run", "log", "gems", "conf.d", "services.d"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "logback.xml").write_text(LOGBACK)
        (self.folder / "services.d/bootstrap.cfg").write_text(SERVICES + CA_SERVICE[ca] + "\n")
        packaged = pathlib.Path("/etc/puppet/puppetserver/conf.d/auth.conf").read_text()
        (self.folder / "conf.d/auth.conf").write_text(packaged)
        self.configure(settings)

    def configure(self, settings):
        """Writes puppet.conf: what changes counts from the next start."""
        self.conf.write_text(
            f"[main]\ncertname = localhost\nserver = localhost\nca_server = localhost\n"
            f"serverport = {self.port}\nca_port = {self.port}\nkeylength = {self.keylength}\n"
            f"confdir = {self.folder}/conf\nssldir = {self.ssl}\ncadir = {self.cadir}\n"
            f"[server]\ncadir = {self.cadir}\n{settings}\n")

    def command(self, action, *arguments):
        return puppetserver_ca(action, *arguments, config=self.conf, home=self.folder)

    def make_ca(self):
        """Root, intermediate and the server's own certificate, by `puppetserver ca setup`."""
        made = self.command("setup", "--subject-alt-names", "localhost")
        assert made.returncode == 0, made.stdout + made.stderr
        return self

    def admin(self, name="admin"):
        """(certificate, key) that carries pp_cli_auth. Only while the service does not run."""
        made = self.command("generate", "--ca-client", "--certname", name)
        assert made.returncode == 0, made.stdout + made.stderr
        return (self.ssl / f"certs/{name}.pem", self.ssl / f"private_keys/{name}.pem")

    @property
    def bundle(self):
        return self.cadir / "ca_crt.pem"

    def _write_service_config(self):
        (self.folder / "conf.d/all.conf").write_text(
            CONFIG.format(folder=self.folder, port=self.port, ca_conf=self.ca_conf))

    def _await_start(self, number):
        """Its services write the number of their starts to a file."""
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"puppetserver did not start:\n{self.log_text()[-4000:]}")
            return self.restarts.read_text().strip() == str(number)

        try:
            until(ready, "puppetserver is ready", seconds=STARTS)
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise

    def reload(self, settings, ca_conf):
        """Other settings, in the same process: a JVM takes long to start."""
        self.ca_conf = ca_conf
        self.configure(settings)
        self._write_service_config()
        before = int(self.restarts.read_text())
        self.process.send_signal(signal.SIGHUP)
        self._await_start(before + 1)

    def start(self):
        assert JAR.exists(), "the package puppetserver is not installed: scripts/install.sh"
        self._write_service_config()
        self.restarts.write_text("0")
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            ["java", *self.jvm, "-XX:+CrashOnOutOfMemoryError",
             f"-XX:ErrorFile={self.folder}/jvm.log", "-Djruby.lib=/usr/share/jruby/lib",
             "-Djruby.logger.class=com.puppetlabs.jruby_utils.jruby.Slf4jLogger",
             "-jar", JAR, "--config", self.folder / "conf.d",
             "--bootstrap-config", self.folder / "services.d", "--restart-file", self.restarts],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, "HOME": str(self.folder)})
        self._await_start(1)
        return self

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT)
        self.log.close()
        self.process = None
