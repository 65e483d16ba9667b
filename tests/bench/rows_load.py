"""The rows of what the service takes, and of those who ask too much of it."""

import time

from bench import KEPT
from generator import Load
from report import number


def memory(bench):
    """Idle; after many enrolments; for a kept connection."""
    many = bench.size(100_000, 500)
    held = bench.size(2_000, 100)
    with bench.service() as service:
        time.sleep(bench.size(2, 0))
        idle = service.rss_mib()
        silent = Load(service, mode="silent", connections=held, only_tls="yes", sources=16,
                      seconds=1)
        silent.await_ready()
        with_connections = service.rss_mib()
        silent.wait()
        ours = bench.enrol(service, machines=many, seconds=600)
        assert ours["done"] == many, ours
        after = service.rss_mib()
        ready = service.ready_s
    each = (with_connections - idle) * 1024 / held
    peer = bench.puppetserver()
    bench.keep("memory", ready_s=ready, idle_mib=idle, connection_kib=each, after_mib=after,
               enrolled=many)
    bench.limit("memory", "memory, idle", idle, 40, " MB")
    if peer:
        bench.lines[-1].peer = number(peer["idle_rss_mib"]) + " MB"
    bench.add("memory", "start to ready, empty store", "none", f"{ready:.2f} s",
              f"{peer['ready_s']:.1f} s" if peer else "")
    bench.limit("memory", f"memory after {many:,} enrolments", after, 150, " MB")
    bench.limit("memory", f"memory of a kept TLS connection (of {held:,})", each, 40, " KB")


def overload(bench):
    """Five times the capacity, at the times when it comes and not when it suits."""
    seconds = bench.size(8, 1)
    connections = bench.size(8_000, 200)
    with bench.service() as service:
        capacity = bench.enrol(service, seconds=bench.size(5, 1))["rate"]
        offered = 5 * capacity
        ours = bench.enrol(service, connections=connections, sources=64,
                           seconds=seconds, rate=offered, drop="yes", then_rate=capacity / 5,
                           then_seconds=bench.size(5, 1), stalled=20, may_fail=not bench.short,
                           machines=int(capacity * (seconds + 6) * 1.5) + connections)
    bench.keep("overload", capacity=capacity, offered=offered, ours=ours)
    asked = max(1, ours["done"] + ours["refused"] + ours["failed"])
    bench.add("overload", "overload, 5x the capacity: answered, refused with 503, failed",
              "none fails",
              f"{100 * ours['done'] / asked:.0f} %, {100 * ours['refused'] / asked:.0f} %, "
              f"{ours['failed']}", met=ours["failed"] == 0)
    rate = ours["first_done"] / seconds
    bench.add("overload", "the same, enrolled while it lasts, of the capacity", "none",
              number(rate) + "/s", number(capacity) + "/s without",
              f"{100 * rate / capacity:.0f} %")
    bench.add("overload", "the same, refused after they were begun", "none", str(ours["half"]))
    bench.add("overload", "the same, that the generator could not offer", "none",
              f"{100 * ours['not_offered'] / (ours['not_offered'] + asked):.0f} %")
    bench.limit("overload", "the same, longest time to a refusal", ours["longest_refusal_ms"], 1000,
                " ms")
    bench.limit("overload", "the same, normal again after", ours["settled_s"], 2, " s")
    bench.add("overload", "the same, memory", "bounded", number(ours["rss_mib"]) + " MB")


def hostile(bench):
    """Honest enrolments beside those who hold connections and say nothing."""
    with bench.service() as service:
        for connect, expected in (("kept", 12_000), ("new", 4_000)):
            honest = {"connect": connect, "expected": expected}
            before = _honest(bench, service, **honest)
            silent = Load(service, mode="silent", connections=bench.size(5_000, 60),
                          connects=bench.size(10_000, 100), sources=8,
                          seconds=bench.seconds + bench.size(8, 1))
            silent.await_ready()
            beside = _honest(bench, service, **honest)
            crowd = silent.wait()
            after = _honest(bench, service, **honest)
            alone = (before["rate"] + after["rate"]) / 2
            bench.keep("hostile", **{connect: {"before": before, "beside": beside, "after": after,
                                               "crowd": crowd}})
            share = 100 * beside["rate"] / alone
            bench.add("hostile", f"enrolment beside hostile clients, {connect} connections",
                      "at least 80 % of without", number(beside["rate"]) + "/s",
                      number(alone) + "/s without", f"{share:.0f} %", share >= 80)


def _honest(bench, service, connect, expected):
    sources = 1 if connect == "kept" else 64
    return bench.enrol(service, expected, connect=connect, sources=sources, connections=KEPT)


ROWS = {"memory": memory, "overload": overload, "hostile": hostile}
