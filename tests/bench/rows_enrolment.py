"""The rows of one machine's way to its certificate: rates, waits, processor time."""

import reference
from bench import KEPT
from report import number


def kept(bench):
    """Enrolment (PUT + GET), P-256 CA, kept connections."""
    with bench.service() as service:
        ours = bench.enrol(service)
    peer = bench.puppetserver()
    bench.keep("kept", ours=ours, puppetserver=peer)
    what = f"enrolment, {KEPT} kept connections"
    bench.compare("kept", what, ours["rate"], peer and peer["kept"]["rate"], 30)
    bench.limit("kept", what + ", p99", ours["p99_ms"], 25, " ms")
    if peer:
        bench.lines[-1].peer = number(peer["kept"]["p99_ms"]) + " ms"


def new(bench):
    """The same, a new TLS connection each."""
    with bench.service() as service:
        ours = bench.enrol(service, expected=4_000, connect="new", sources=64)
        each = bench.enrol(service, expected=4_000, connect="new-each", sources=64)
    peer = bench.puppetserver()
    bench.keep("new", ours=ours, a_connection_a_request=each)
    bench.compare("new", "enrolment, a new TLS connection each", ours["rate"],
                  peer and peer["new"]["rate"], 12)
    bench.add("new", "the same, one for each of its two requests", "none", number(each["rate"]) +
              "/s")


def cpu(bench):
    """Server CPU an enrolment, beside one verification and one signature."""
    floor = bench.speed.verify_and_sign_ms()
    with bench.service() as service:
        ours = bench.enrol(service)
    bench.keep("cpu", ours=ours, verify_and_sign_ms=floor)
    ratio = ours["server_cpu_ms"] / floor
    bench.add("cpu", "server CPU an enrolment, P-256", "at most 3x one verify + one sign",
              f"{ours['server_cpu_ms']:.3f} ms", f"{floor:.3f} ms by openssl speed",
              number(ratio) + "x", ratio <= 3)
    peer = bench.puppetserver()
    if peer:
        theirs = peer["kept"]["server_cpu_ms"]
        bench.add("cpu", "the same, beside puppetserver", "none",
                  f"{ours['server_cpu_ms']:.3f} ms", f"{theirs:.2f} ms",
                  f"1/{number(theirs / ours['server_cpu_ms'])}")


def rsa(bench):
    """An RSA-4096 CA signs nearly what the cores can."""
    most, _ = bench.speed.of("rsa4096", reference.CORES)
    with bench.service("rsa:4096") as service:
        ours = bench.enrol(service, expected=2 * most)
    bench.keep("rsa", ours=ours, openssl_speed=most)
    share = 100 * ours["rate"] / most
    bench.add("rsa", "enrolment, RSA-4096 CA", "at least 85 % of openssl speed",
              number(ours["rate"]) + "/s", number(most) + "/s by openssl speed",
              f"{share:.0f} %", share >= 85)


def token(bench):
    """REST sign with a one-time token."""
    with bench.service() as service:
        ours = {"kept": bench.redeem(service),
                "new": bench.redeem(service, expected=4_000, connect="new", sources=64)}
    step = {connect: bench.speed.step_ca(connect) for connect in ours}
    bench.keep("token", ours=ours, step_ca_scaled=step)
    bench.compare("token", f"REST sign with a token, {KEPT} kept connections", ours["kept"]["rate"],
                  step["kept"], 3)
    bench.lines[-1].peer += " (step-ca, scaled)"
    bench.limit("token", "the same, p99", ours["kept"]["p99_ms"], 15, " ms")
    bench.compare("token", "REST sign with a token, new connections", ours["new"]["rate"],
                  step["new"], 1.5)
    bench.lines[-1].peer += " (step-ca, scaled)"


def storm(bench):
    """Many machines boot at once."""
    for machines, within, most in ((10_000, 60, 250), (2_000, 1, 3_000)):
        machines = bench.size(machines, machines // 50)
        within = bench.size(within, 1)
        with bench.service() as service:
            ours = bench.enrol(service, connections=machines, connect="new", sources=256,
                               machines=machines, arrivals=machines, seconds=within, stalled=30,
                               may_fail=not bench.short)
        bench.keep("storm", **{f"{machines}_in_{within}s": ours})
        errors = machines - ours["done"] + ours["wrong"]
        what = f"boot storm, {machines:,} machines within {within} s"
        bench.add("storm", what + ", errors", "none", str(errors), met=errors == 0)
        bench.limit("storm", what + ", p99", ours["p99_ms"], most, " ms")


ROWS = {"kept": kept, "new": new, "cpu": cpu, "rsa": rsa, "token": token, "storm": storm}
