"""
Within the machine, without systemd: what somebody does who has just installed the package. Starts
the leaky service, checks it before and after it has leaked, and prints the exit codes as JSON.
"""
import json
import subprocess
import sys

RULE = sys.argv[1]
SESSIONS = int(sys.argv[2])


def check(pid, *options):
    return subprocess.run(["pyinspect", str(pid), "check", "--min-age", "0", "--max", RULE, *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    service = subprocess.Popen(["python3", "/srv/leaky_service.py"], text=True, bufsize=1,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert service.stdout.readline() == "READY\n"
    before = check(service.pid)
    service.stdin.write("%d\n" % SESSIONS)
    assert service.stdout.readline().startswith("SERVED")
    after = check(service.pid, "--format", "nagios")
    history = subprocess.run(["pyinspect", str(service.pid), "history", "--format", "json"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    service.stdin.close()
    service.wait()
    print(json.dumps({"before": before.returncode, "after": after.returncode,
                      "output": after.stdout, "history": history.returncode,
                      "all": before.stdout + history.stdout}))


main()
