"""The loop of four with pyroute2. Tells the microseconds that so many rounds took: all, in
Python and in the kernel."""

import resource
import sys
import time
from socket import IPPROTO_TCP

from pyroute2 import IPVS, IPVSDest, IPVSService


def taken():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return [1e6 * seconds for seconds in (time.monotonic(), usage.ru_utime, usage.ru_stime)]


service = IPVSService(addr="10.0.0.1", port=80, protocol=IPPROTO_TCP, sched_name="wrr")
# Masquerading.
dest = IPVSDest(addr="192.168.0.1", port=80, fwd_method=0, weight=1)


def rounds(ipvs, number):
    for _ in range(number):
        ipvs.service("add", service=service)
        ipvs.dest("add", service=service, dest=dest)
        ipvs.dest("del", service=service, dest=dest)
        ipvs.service("del", service=service)


with IPVS() as ipvs:
    # The first opens the socket and asks for the family.
    rounds(ipvs, 1)
    before = taken()
    rounds(ipvs, int(sys.argv[1]))
    print(*(after - before for before, after in zip(before, taken())))
