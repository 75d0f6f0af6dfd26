"""toybox's programs in the guest, against this machine's own of the same names, on the same
input: what they print, and their exit statuses.

toybox is a port (`make ports`); where it is not built, the tests are skipped with that
reason.
"""

import re
import subprocess
import sys

import pytest

import booting
from test_libc import port, shell
from test_ports import mark, sections
from test_terminal import Person

sys.path.insert(0, str(booting.TOP / "tools"))
import ports  # noqa: E402

pytestmark = pytest.mark.full

# Run by dash in a folder with these files, here and in the guest.
FILES = {
    "words": "pear\napple\nfig\n\nApple\nfig\nbanana 2\nbanana 10\n",
    "table": "9 x 1.5\n10 y 0.25\n9 a 30\n-3 x 2\n100 y 1e1\n",
    "folds": "The quick brown fox\tjumps over\n  the lazy dog, and does it again and again.\n",
    "other": "pear\nfig\nFIG\n\nApple\nfig\nbanana 3\nbanana 10\nlast\n",
}
CASES = """
sort words
sort -r words
sort -u words
sort -f words
sort -n table
sort -k2,2 -k3,3rn table
sort -g -k3,3 table
sort -t ' ' -k 1,1n -k 2 table
sort -c words 2>/dev/null
sort words other | uniq -c
sort -z words | od -c
uniq words
uniq -d words
sort words | uniq -u
tail -n 2 words
tail -n +7 words
tail -c 5 words
cat words | tail -n 3
tac words
rev words
nl folds
cut -d ' ' -f 1,3 table
cut -c 2-4 words
cut -d ' ' -f 2- folds
tr a-z A-Z < words
tr -d aeiou < words
tr -s n < words
tr -cd 'a-z\\n' < folds
expand folds
expand -t 4 folds
fold -w 5 other | grep .
paste words other
paste -d , - - < words
sort words > s; sort other > t; comm s t; comm -12 s t
cmp words words
cmp words other >/dev/null
diff -u words words
diff words other >/dev/null
diff words none 2>/dev/null
sed 's/a/<&>/g' words
sed -n '/^f/p;$=' words
sed -e 2d -e '/Apple/,$s/b/B/' words
sed 's/\\(.*\\) \\(.*\\)/\\2 \\1/' words
sed -i 's/pear/PEAR/' words; cat words; sed -i 's/PEAR/pear/' words
od -c folds
od -An -tx1 words
od -An -tx4 -N 16 folds | tr -s ' '
od -An -td2 words | tr -s ' '
cksum words
md5sum words
sha1sum words
base64 folds
base64 folds | base64 -d
strings -n 6 folds
seq 5
seq 3 -1 1
seq -s , 2 2 9
seq -w 8 11
expr 7 + 3 \\* 2
expr \\( 7 + 3 \\) \\* 2
expr 5 / 0 2>/dev/null
expr abcdef : 'ab\\(.*\\)ef'
expr 3 \\> 4
factor 97 360 1000003
basename /usr/lib/x.c .c
basename /
dirname /usr/lib/x.c
dirname x
printf '%s-%05d-%x-%c|%-6s|%6.2f\\n' a 42 255 z left 2.5
/bin/printf '%s=%d\\n' a 1 b 2
/bin/pwd | tail -c 2
/bin/test 3 -lt 4 && echo yes
/bin/test -d words || echo no
/bin/[ -f words ] && echo file
/bin/true; echo $?; /bin/false; echo $?
env -i A=1 B=2 env | sort
env -u HOME sh -c 'echo ${HOME-none}'
yes no | head -n 3
printf 'a b\\nc\\n' | xargs -n 1 printf '<%s>'
seq 1 5000 | xargs sh -c 'echo $#' sh | head -n 1 | grep -c '^[0-9]*$'
mkdir d d/e; cp words d/w; cp words d/e/v; find d | sort; find d -type f -name 'v*'
find d -type f -exec sh -c 'echo "got $1"' sh {} \\; | sort
find d -newer none 2>/dev/null
ln -s w d/s; readlink d/s; cat d/s | head -n 1
ln words hard; stat -c '%h %s %F' hard; rm hard; stat -c %h words
ln -s no/where d/s 2>/dev/null
realpath d/../d/e | tail -c 5; readlink -f d/s | tail -c 5
chmod 640 d/w; stat -c %a d/w; chmod u+x,g-r d/w; stat -c %a d/w
touch new; stat -c %s new; touch -d 2001-02-03T04:05:06Z new; stat -c %Y new
touch -r new newer; stat -c %Y newer; touch -c nothing; find nothing 2>/dev/null
rmdir d 2>/dev/null
rmdir d/e 2>/dev/null
rm d/e/v; rmdir d/e && find d | sort
truncate -s 3 new; stat -c %s new; truncate -s 0 new; stat -c %s new
split -l 3 words part; cat partaa; cat partac
cat words | tee copy | tail -n 1; cmp words copy
echo more | tee -a copy >/dev/null; tail -n 1 copy
unlink copy; cat copy 2>/dev/null
link words linked; cmp words linked; rm linked
date -u -d @1000000000 +'%Y-%m-%d %H:%M:%S %j %a %b'
date -u -d '2024-02-29 12:00' +%s
timeout 0.3 sleep 20
timeout 20 sh -c 'exit 7'
nohup sh -c 'echo kept' 2>/dev/null
t=$(mktemp ./uXXXXXX); stat -c %a $t
d=$(mktemp -d ./vXXXXXX); stat -c %a $d; rmdir $d
mkfifo queue; test -p queue; echo $?; md5sum < queue & cat words > queue; wait; rm queue
tty < words
which sh >/dev/null; echo $?; which nosuch; echo $?
patch -s < changes; cat patched
count < words 2>/dev/null
sync; echo $?
""".strip().splitlines()
# Programs that this machine may lack, or say other things by design.
GUEST_ONLY = {"count < words 2>/dev/null": FILES["words"]}
FILES["patched"] = "one\ntwo\nthree\n"
FILES["changes"] = ("--- patched\n+++ patched\n@@ -1,3 +1,4 @@\n one\n-two\n+TWO\n three\n"
                    "+four\n")
# Nothing to compare with, or only what is not the same anywhere
NOT_COMPARED = {"cal", "du", "toybox"}


def in_guest(cases):
    script = ["export PATH=/bin TZ=UTC0 HOME=/w; mkdir /w; cd /w"]
    for name, text in FILES.items():
        script.append(f"cat > {name} <<'END OF FILE'\n{text}END OF FILE")
    for number, case in enumerate(cases):
        script.append(f"{mark(str(number))}; {case}\necho \"status $?\"")
    return sections(shell("\n".join([*script, "exit 0"]), timeout=200))


def on_host(cases, folder):
    for name, text in FILES.items():
        (folder / name).write_text(text)
    found = {}
    for number, case in enumerate(cases):
        found[str(number)] = subprocess.run(
            ["sh", "-c", f"{case}\necho \"status $?\""], cwd=folder, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC0", "HOME": "/w"},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=60).stdout
    return found


@pytest.mark.slow
def test_as_on_the_host(tmp_path):
    port("toybox")
    folder = tmp_path / "w"  # which the last letters of /bin/pwd's are
    folder.mkdir()
    guest, host = in_guest(CASES), on_host(CASES, folder)
    assert set(guest) == set(host)
    different = {}
    for number, case in enumerate(CASES):
        found = guest[str(number)].decode(errors="replace")
        wanted = host[str(number)].decode(errors="replace")
        if case in GUEST_ONLY:
            wanted = GUEST_ONLY[case] + "status 0\n"
        if found != wanted:
            different[case] = (found[:400], wanted[:400])
    for case, (found, wanted) in different.items():
        print(f"--- {case}\nguest:\n{found}\nhost:\n{wanted}")
    assert not different


def test_every_program_is_tried():
    """No program comes into the image that nothing here runs."""
    tried = set(re.findall(r"[a-z0-9]+", "\n".join(CASES)))
    assert set(ports.TOYBOX_PROGRAMS) - tried - NOT_COMPARED == set()


def test_ours_come_first():
    """What Postern has itself is not replaced; toybox's are symbolic links, each once."""
    port("toybox")
    listed = subprocess.run(["tar", "-tvf", booting.BUILD / "system.tar"], check=True,
                            capture_output=True, text=True).stdout.splitlines()
    names = [line.split()[5] for line in listed]
    assert len(names) == len(set(names))
    links = {line.split()[5] for line in listed if line.endswith(" -> toybox")}
    assert links == {f"bin/{name}" for name in (*ports.TOYBOX_PROGRAMS, "[")}
    ours = {f"bin/{path.stem}" for path in (booting.TOP / "apps").iterdir()}
    assert not ours & links


def test_following_a_file():
    """tail -f shows what is added, until it is ended."""
    port("toybox")
    with Person(program="sh", options=("--file", f"{port('sh')}:/bin/sh")) as person:
        person.see(b"# ")
        person.type(b"echo one > /f; tail -f /f &\n")
        person.see(b"&\r\n")
        person.see(b"one\r\n")
        person.type(b"echo two >> /f\n")
        person.see(b"/f\r\n")
        person.see(b"two\r\n")
        person.type(b"kill $!; wait; echo three >> /f; echo over\n")
        person.see(b"over\r\n")
        assert b"three" not in person.see(b"over\r\n")


def test_what_is_not_compared():
    """cal, du and toybox itself: this machine may not have them, or counts in other blocks."""
    port("toybox")
    run = shell("cal 2 2024; mkdir /w; seq 2000 > /w/f; du -a /w; toybox | wc -w")
    assert run.status == 0, run
    *calendar, file, folder, count = run.stdout.decode().splitlines()
    assert calendar[0].strip() == "February 2024", run
    assert calendar[6].split() == ["25", "26", "27", "28", "29"], run
    assert re.fullmatch(r"(8|12)\t/w/f", file) and re.fullmatch(r"\d+\t/w", folder), run
    assert int(count) == len(ports.TOYBOX_PROGRAMS) + 1, run  # and [
