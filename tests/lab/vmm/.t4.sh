d=/src/tests/lab/vmm
timeout 200 $d/faults; echo "faults: $?"
timeout 300 $d/boots 7 2 512 2>&1 | tail -5; echo "boots 7 2: $?"
timeout 300 $d/boots 6.12 4 3072 2>&1 | tail -5; echo "boots 4: $?"
timeout 300 $d/boots 6.12 1 256 2>&1| tail -5; echo "boots 256: $?"
timeout 500 $d/ends 2>&1 | tail -40; echo "ends $?"
