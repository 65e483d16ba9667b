"""A disk without room: writes are refused with the cause, reads go on, and it ends by itself.

A limit on the size of files stands for the full disk, as it needs no right to mount one.
"""

import resource
import time

from harness import BINARY, ServiceTest, main, run, until

POLICY = '[[rule]]\nname = "all"\nmatch = { certname = "*.example.com" }\naction = "sign"\n'


class DiskFull(ServiceTest):
    def limit(self, service, size):
        _, most = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, most))

    def log_of_store(self, service):
        return (service.folder / "countersign.db-wal").stat().st_size

    def enrol(self, service, number):
        name = f"n{number}.example.com"
        csr, _ = self.csr(name, key=self.folder / "agent.key")
        return self.submit(service, csr)

    def ready(self, service):
        return service.json("/v1/health/ready")

    def test_writes_get_503_with_the_cause_reads_go_on_and_it_comes_back_by_itself(self):
        service = self.service(POLICY)
        room = 128 * 1024  # more than the service's own log file takes
        kept = []
        while self.log_of_store(service) < 2 * room:
            status, answer = self.enrol(service, len(kept))
            self.assertEqual(status, 201, answer)
            kept.append(answer)
        for _ in range(2):  # not only once
            self.limit(service, room)
            status, answer = self.enrol(service, 9999)
            self.assertEqual(status, 503, answer)
            self.assertNotIn("certificate", answer)
            status, health = self.ready(service)
            self.assertEqual((status, health["status"]), (503, "not ready"))
            problem, = health["problems"]
            self.assertRegex(problem, r"The store cannot be written \(.*(full|I/O error)")
            for _ in range(15):  # the store is tried twice a second
                time.sleep(0.1)
                self.assertEqual(self.ready(service)[0], 503, "while it lasts")
            # A refusal, not an end: another one, and its audit row cannot be written either.
            self.assertEqual(self.enrol(service, 9998)[0], 503)
            for answer in (kept[0], kept[-1]):
                status, found = service.json(f"/v1/certificates/{answer['serial']}",
                                             client="operator")
                self.assertEqual((status, found["certificate"]), (200, answer["certificate"]))
            self.assertEqual(service.curl("/v1/crl")[0], 200)
            self.assertEqual(service.json("/v1/health/live")[0], 200)
            _, most = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
            self.limit(service, most)
            until(lambda: self.ready(service)[0] == 200, "ready again without a restart")
        status, answer = self.enrol(service, 9999)
        self.assertEqual(status, 201, answer)
        kept.append(answer)
        self.assertEqual(service.stop(), 0)
        service.start()
        for answer in kept:
            status, found = service.json(f"/v1/certificates/{answer['serial']}", client="operator")
            self.assertEqual((status, found["certificate"]), (200, answer["certificate"]))
        verified = run(BINARY, "audit", "verify", "--config", service.folder / "countersign.toml")
        self.assertRegex(verified.stdout, r"^good: ")


if __name__ == "__main__":
    main()
