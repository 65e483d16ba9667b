"""kill -9: of the service under load, and of an init."""

import contextlib
import os
import random
import shutil
import subprocess
import time

import kill_rounds
from harness import BINARY, ServiceTest, main, run


class Crash(kill_rounds.Rounds):
    rounds, longest = 30, 0.4
    seed = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(1 << 32)))


class Init(ServiceTest):
    def test_a_killed_init_leaves_nothing_or_what_the_next_one_refuses_with_a_reason(self):
        command = [BINARY, "init", "--hostname", "localhost", "--listen", "127.0.0.1:0", "--dir"]
        begin = time.monotonic()
        run(*command, self.folder / "whole")
        whole = time.monotonic() - begin
        seen = set()
        for step in range(20):
            folder = self.folder / f"ca{step}"
            process = subprocess.Popen([*command, str(folder)], stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(whole * 1.1 * step / 20)
            process.kill()
            process.wait(60)
            before = self.content(folder)
            again = run(*command, folder, check=False)
            with self.subTest(step=step, stderr=again.stderr):
                seen.add(self.outcome(folder, before, again))
        self.assertLessEqual({"nothing", "part"}, seen)

    def content(self, folder):
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def outcome(self, folder, before, again):
        if again.returncode == 0:
            return "nothing"
        self.assertEqual(again.returncode, 1)
        self.assertEqual(self.content(folder), before, "a refusal changes nothing")
        self.assertIn("Nothing was changed", again.stderr)
        if "holds a CA already" in again.stderr:
            self.assertTrue((folder / "operator.key").exists())
            return "whole"
        self.assertIn("holds a part of a CA", again.stderr)
        self.assertIn("remove what an init that was cut off left", again.stderr)
        shutil.rmtree(folder)
        run(BINARY, "init", "--hostname", "localhost", "--dir", folder)
        return "part"


if __name__ == "__main__":
    main()
