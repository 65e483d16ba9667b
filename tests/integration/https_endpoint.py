"""An HTTPS server that answers as a test tells it, with a CA of its own."""

import http.server
import json
import ssl
import threading

from harness import WAIT, run


def reply(body, status=200, content_type="application/json", headers=()):
    """What an endpoint sends: a JSON value, or text as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    return status, [("Content-Type", content_type), *headers], text.encode()


class Endpoint:
    """`answer` gets each request as a dict (path, headers, text, json) and returns reply(…), or
    None after it has done the talking itself, on request["handler"]. It may be replaced."""

    def __init__(self, test, answer, name="endpoint", port=0, client_ca=None):
        self.folder = test.folder / name
        self.answer = answer
        self.requests = []
        self.client_ca = client_ca
        self.changed = threading.Condition()
        if not self.folder.exists():
            self._certify()
        self.port = port
        self.server = None
        self.start()
        test.addCleanup(self.stop)

    @property
    def ca_file(self):
        return self.folder / "ca.pem"

    def url(self, path="/"):
        return f"https://127.0.0.1:{self.port}{path}"

    def _certify(self):
        self.folder.mkdir()
        at = self.folder
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", at / "ca.key", "-out", at / "ca.pem", "-days", "30",
            "-subj", "/CN=endpoint CA")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", at / "server.key", "-out", at / "server.csr", "-subj", "/CN=endpoint")
        (at / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        run("openssl", "x509", "-req", "-in", at / "server.csr", "-CA", at / "ca.pem", "-CAkey",
            at / "ca.key", "-days", "30", "-extfile", at / "names", "-out", at / "server.pem")

    def start(self):
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = WAIT

            def do_POST(self):
                text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                request = {"handler": self, "path": self.path, "headers": dict(self.headers),
                           "text": text, "json": json.loads(text)}
                with endpoint.changed:
                    endpoint.requests.append(request)
                    endpoint.changed.notify_all()
                answered = endpoint.answer(request)
                if answered is None:
                    return
                status, headers, body = answered
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # a client that went away

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        if self.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.client_ca)
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        # The handshake in the thread of the connection, not in the one that accepts.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def wait_for(self, condition, what):
        """Until condition(requests) holds."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.requests), WAIT):
                raise AssertionError(f"not within {WAIT} s: {what}")
