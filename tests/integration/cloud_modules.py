"""Runs a user-data's modules as cloud-init does at a first boot. For Debian's own python3.

usage: cloud_modules.py USER_DATA ROOT

The order of the modules is that of the package's /etc/cloud/cloud.cfg. ROOT is where the test has
put every path of the user-data, and ROOT/bin comes first in $PATH. A package is "installed" by
ROOT/bin/install-package, and like cloud-init this goes on to the next module when one fails; it then
ends with 1.
"""

import importlib
import logging
import os
import pathlib
import subprocess
import sys
import types

import yaml

STAGES = ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
WANTED = {"bootcmd": "bootcmd", "write-files": "write_files", "runcmd": "runcmd",
          "puppet": "puppet", "scripts-user": "runcmd"}


def order():
    """The modules of the three stages that the user-data can name, first to last."""
    stages = yaml.safe_load(pathlib.Path("/etc/cloud/cloud.cfg").read_text())
    return [name for stage in STAGES for name in stages[stage] if name in WANTED]


def main(user_data, root):
    config = yaml.safe_load(pathlib.Path(user_data).read_text())
    os.environ["PATH"] = f"{root}/bin:{os.environ['PATH']}"
    distro = types.SimpleNamespace(
        default_owner="root:root",
        install_packages=lambda names: subprocess.run(["install-package", *filter(None, names)],
                                                      check=True))
    cloud = types.SimpleNamespace(distro=distro, get_instance_id=lambda: "i-1",
                                  get_ipath=lambda _: f"{root}/scripts",
                                  get_ipath_cur=lambda: root)
    failed = False
    for name in order():
        if WANTED[name] not in config:
            continue
        print(f"== {name}", flush=True)
        module = importlib.import_module("cloudinit.config.cc_" + name.replace("-", "_"))
        try:
            module.handle(name, config, cloud, logging.getLogger(name), [])
        except Exception as error:  # whatever it is: cloud-init would log it and go on
            print(f"{name} failed: {error}", flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
