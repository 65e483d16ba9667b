"""What the cryptography itself can do here, and what peers did elsewhere."""

import os
import re
import subprocess

# The machine of the issue's figures: operations a second of one core.
ISSUE_SIGN = 41_800
ISSUE_VERIFY = 13_200
# step-ca's libraries there (Badger, TLS, 32 connections): enrolments a second. Neither step-ca nor
# cfssl is a package of Debian 12.
STEP_CA = {"kept": 2_196, "new": 1_190}
CORES = os.cpu_count() or 1


def _speed(algorithm, seconds, processes=1):
    """(signatures, verifications) a second, all processes together."""
    command = ["openssl", "speed", "-seconds", str(seconds)]
    if processes > 1:
        command += ["-multi", str(processes)]
    out = subprocess.run(command + [algorithm], capture_output=True, text=True, check=True,
                         timeout=600).stdout
    sign, verify = re.findall(r"\s(\d+\.\d)(?=\s|$)", out.strip().splitlines()[-1])[-2:]
    return float(sign), float(verify)


class Speed:
    """Measured once a run, when first asked for."""

    def __init__(self, seconds):
        self._seconds = seconds
        self._known = {}

    def of(self, algorithm, processes=1):
        key = (algorithm, processes)
        if key not in self._known:
            self._known[key] = _speed(algorithm, self._seconds, processes)
        return self._known[key]

    def verify_and_sign_ms(self):
        sign, verify = self.of("ecdsap256")
        return 1000 / sign + 1000 / verify

    def step_ca(self, connect):
        """The issue's figure, scaled by the time of a verification and a signature."""
        there = 1000 / ISSUE_SIGN + 1000 / ISSUE_VERIFY
        return STEP_CA[connect] * there / self.verify_and_sign_ms()
