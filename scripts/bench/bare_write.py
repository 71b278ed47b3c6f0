"""bare_write.py FILE BYTES sync|no: write as many bytes as fast as one thread
does, space reserved first, and print the seconds. Starting Python is not in
them."""

import os
import sys
import time

path, left, synced = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "sync"
# 1 MiB: 4 MiB are as fast where memory lies in large pieces, and take ten times
# as long where the kernel has to join small ones first.
chunk = memoryview(bytes(1 << 20))
start = time.perf_counter()
with open(path, "wb", buffering=0) as file:
    os.posix_fallocate(file.fileno(), 0, left)
    while left:
        left -= file.write(chunk[:left])
    if synced:
        os.fsync(file.fileno())
print(time.perf_counter() - start)
