d=/src/tests/lab/vmm
cd /tmp
( $d/guest --timeout 100 --status st --append "" "reboot -f" --memory 256M --json-events ev; echo "guest $?" ) > con 2>&1 &
for i in $(seq 60); do grep -q Restarting con && break; sleep 1; done; sleep 5
cat con ev
p=$(pgrep -x tranche-vmm) && { for t in /proc/$p/task/*; do echo "== $(cat $t/comm) $(cat $t/wchan) $(cat $t/syscall)"; cat $t/stack | head -5; done; ls -la /proc/$p/fd | head -40; }
dmesg | tail -5
wait
$d/bench-start 3
$d/faults | grep -v ^ok
