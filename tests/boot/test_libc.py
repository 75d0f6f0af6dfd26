"""The C library, the small programs and the ports in the guest.

tests/guest/libc.c has the library's own tests; here are those that need a shell, several
programs, or the host to compare with. Ports are built by `make ports`; those that
are not there, because their source could not be fetched, are skipped with that reason.
"""

import contextlib
import gzip
import re
import shutil
import sqlite3
import subprocess
import tempfile

import pytest

import booting

PORTS = booting.BUILD / "ports" / "root" / "bin"
MACHINES = ({"cpu": "qemu32"}, {"cpu": "486"}, {"cpu": "max"}, {"cpu": "max", "smp": 4})


def port(name):
    """A port's program, or a skip that says why there is none."""
    if not (PORTS / name).is_file():
        pytest.skip(f"the port {name} is not built: see `make ports`, whose source "
                    "packages come from the network")
    return PORTS / name


def shell(script, *files, timeout=90, **machine):
    """What a script prints, run by dash in the guest."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(script)
        file.flush()
        return booting.boot("/bin/sh", "/script", timeout=timeout, direct=True, files=(
            (port("sh"), "/bin/sh"), (file.name, "/script"), *files), **machine)


def names_in_source():
    text = (booting.TOP / "tests/guest/libc.c").read_text()
    table = text[text.index("kTests[] ="):]
    return re.findall(r'\{"(\w+)", \1\}', table)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: "-smp".join(map(str, machine.values())))
def test_library(machine):
    """Each of the guest's tests has run and passed, and exit() called what was registered."""
    run = booting.boot("libc", timeout=90, direct=True, **machine)
    assert names_in_source(), "no tests were found in libc.c"
    assert run.stdout.decode() == "".join(
        f"{name} ok\n" for name in names_in_source()) + "atexit ok\n", run
    assert run.status == 0, run


def test_processors_are_counted():
    run = booting.boot("libc", "processors", "3", direct=True, smp=3)
    assert run.stdout == b"processors ok\n" and run.status == 0, run


def test_shell_does_what_shells_do():
    """Pipes, redirections, conditions, jobs, traps, substitution, statuses."""
    run = shell("""
        x=5; echo $((x * 7)) "a  b" 'c  d' $(echo inner)
        for i in 1 2 3; do echo $i; done | while read l; do echo "got $l"; done
        echo hi > /f; echo more >> /f; cat < /f
        cat /none 2>&1 >/dev/null
        false || echo or; true && echo and
        sleep 50 & kill $!; wait $!; echo "killed $?"
        nosuch 2>/dev/null; echo "status $?"
        trap 'echo trapped' USR1; kill -USR1 $$; echo after
        exit 9
    """)
    assert run.stdout.decode() == (
        "35 a  b c  d inner\ngot 1\ngot 2\ngot 3\nhi\nmore\n"
        "cat: /none: No such file or directory\nor\nand\nTerminated\nkilled 143\nstatus 127\n"
        "trapped\nafter\n"), run
    assert run.status == 9, run


def test_small_programs():
    run = shell("""
        mkdir -p /a/b/c; echo 'one two' > /a/b/c/f; ls -R /a
        cp; echo $?; cp /none /x; echo $?; cp /a/b/c/f /none/x; echo $?
        cp /a/b/c/f /a/b/c/f; echo $?; cp /a /x; echo $?; cp /a/b/c/f /dev/full; echo $?
        cp a b c 2>/dev/null; echo $?
        cp /a/b/c/f /a/g; cat /a/g; wc /a/g; grep -n t.o /a/g; grep -q three /a/g; echo $?
        mv /a/g /a/h; mv /a/h /a/b; cat /a/b/h; cp /a/b/h /a/g; head -n 1 /a/g; echo abc | hexdump; rm -r /a; ls /a; echo $?; uname
        ps | head -n 1; time sleep 0.01 2>&1 | grep -c "seconds.*processor.* [0-9] system calls"; df | grep -c /; mount
        /bin/echo -n a "b  c"; /bin/echo " d" e -n; /bin/echo > /dev/full x; echo $?
    """)
    assert run.stdout.decode() == (
        "/a:\nb\n\n/a/b:\nc\n\n/a/b/c:\nf\nusage: cp [-pr] FROM... TO\n1\n"
        "cp: /none: No such file or directory\n2\ncp: /none/x: No such file or directory\n3\n"
        "cp: /a/b/c/f and /a/b/c/f are the same file\n3\ncp: /a: is a directory\n2\n"
        "cp: /dev/full: No space left on device\n4\n1\n"
        "one two\n       1       2       8 /a/g\n1:one two\n1\none two\none two\n"
        "00000000  61 62 63 0a                                       |abc.|\n00000004\n"
        "ls: /a: No such file or directory\n1\nPostern\n"
        "  PID  PPID STATE    THR  MEMORY      TIME COMMAND\n1\n1\nramfs / ramfs rw\nproc /proc proc ro\na b  c d e -n\n1\n"), run


def test_wrong_usage():
    """What a program does not take it refuses, and "--" is the end of its options."""
    run = shell("""cd /tmp; echo text > f; exec 2>/err; for line in 'cat -x' 'cat -- f' 'cat - -- f' 'mkdir' \\
            'mkdir -p' 'hexdump f f' 'hexdump -- f' 'hexdump -' 'sleep -- 0' 'sleep' 'sleep 1 2' 'ps x' 'free -m' \\
            'uname x' 'df -x' 'df -- f' 'time -- echo -n a' 'time -x' 'top -n x' 'top -n -1' 'top -d x' \\
            'top -d' 'top x'; do
            $line < f > out; echo "$?" $(wc -l < out) $(grep -c usage /err); : > /err; done""")
    lines = run.stdout.decode().splitlines()
    wrong = "2 0 1"
    assert lines == [wrong, "0 1 0", "0 2 0", wrong, wrong, wrong, "0 2 0", "0 2 0", "0 0 0", wrong, wrong,
                     wrong, wrong, wrong, wrong, "0 2 0", "0 0 0", wrong] + [wrong] * 5, run


def test_scripts_of_any_kind():
    """Without #!, for those who look programs up as the shell does; with one that is a script
    itself; and one that would be its own."""
    port("toybox")  # for chmod, seq, touch, ...
    run = shell(r"""cd /tmp
        echo 'echo plain "$@"' > plain; printf '#!/tmp/outer inner\n' > nested
        printf '#!/bin/sh\necho outer "$@"\n' > outer; printf '#!/tmp/own\n' > own
        chmod +x plain nested outer own
        time ./plain 'a  b' c 2>/dev/null; echo $?; PATH=/tmp:/bin time plain 2>/dev/null
        ./nested d; time ./nested e 2>/dev/null; time ./own 2>/dev/null; echo $?
        """)
    assert run.stdout.decode() == (
        "plain a  b c\n0\nplain\nouter inner ./nested d\nouter inner ./nested e\n0\n"), run


def test_rm_spares_what_it_is_in():
    """Neither "." nor "..", nor the root; a tree deeper than any path; nothing to remove."""
    port("toybox")  # for chmod, seq, touch, ...
    run = shell("""mkdir -p /tmp/a/b; cd /tmp/a/b; echo text > file
        for path in . .. ./ ../.. ./.. / // /tmp/a/b/..; do rm -rf $path 2>&1; echo $?; done
        cat file; rm 2>&1; echo $?; rm -f; echo $?; rm none -r 2>&1; echo $?; rm -- file; ls
        cd /tmp; name=$(seq -s x 1 50); i=0
        while [ $i -lt 80 ]; do mkdir $name; mkdir top; mv $name top/$name
            mkdir -p deep; mv deep top/$name/deep; mv top deep; i=$((i+1)); done
        rm -r deep; echo $?; ls -a
        """)
    assert run.stdout.decode().count("rm: refusing to remove ") == 8, run
    assert run.stdout.decode().split("text\n")[1] == (
        "usage: rm [-fr] PATH...\n2\n0\nrm: none: No such file or directory\n1\n0\n.\n..\na\n"
        ), run


def test_cp_of_trees():
    """Directories with all that is in them, several files, and none into itself."""
    port("toybox")  # for chmod, seq, touch, ...
    run = shell("""mkdir -p /tmp/a/b; cd /tmp; exec 2>&1
        echo text > a/b/file; : > a/empty; ln -s b/file a/link; mkfifo a/pipe; chmod 750 a/b
        touch -d '2001-02-03 04:05:06' a/b/file
        cp -r a new; ls -R new; cat new/link; ls -l new | cut -c 1-10
        cp -pr a kept; ls -l kept/b | cut -c 27-; cp -r a new; ls new/a; rm -r new/a
        cp a/b/file a/empty new/b; echo $?; ls new/b; cp -- a/b/file a/empty none; echo $?
        cp -r a a/b/c; echo $?; ls a/b/c; ls a/b/c/b; cp -x a b; echo $?; cp -r none x; echo $?
        """)
    assert run.stdout.decode() == (
        "new:\nb\nempty\nlink\npipe\n\nnew/b:\nfile\ntext\n"
        "drwxr-x---\n-rw-r--r--\nlrwxrwxrwx\nprw-r--r--\n"
        "2001-02-03 04:05 file\nb\nempty\nlink\npipe\n0\nempty\nfile\n"
        "cp: none is not a directory\n1\n"
        "cp: a/b/c: cannot be copied into itself\n3\nb\nempty\nlink\npipe\nfile\n"
        "cp: invalid option -- 'x'\nusage: cp [-pr] FROM... TO\n1\n"
        "cp: none: No such file or directory\n2\n"), run


def test_mv_to_another_file_system(tmp_path):
    """By way of a copy, which keeps what can be kept; nothing is lost where there is no room."""
    port("toybox")  # for chmod, seq, touch, ...
    disk = tmp_path / "disk.img"
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext2", "-b", "1024", disk, "1M"],
                   check=True)
    run = shell("""mkdir -p /tmp/a/b; cd /tmp; exec 2>&1; rmdir /home/lost+found
        echo text > a/b/file; chmod 640 a/b/file; touch -d '2001-02-03 04:05:06' a/b/file
        ln -s none a/link; mv -f a /home; echo $?; ls; ls -R /home; ls -l /home/a/b
        echo other > file; echo old > /home/file; mv file /home; cat /home/file
        mkdir file; mv file /home; echo $?; ls; mkdir -p a/c; mv a /home; echo $?; ls
        mv -- /home/a new; echo $?; ls new /home
        mkdir big; truncate -s 2000000 big/zeros
        mv big /home; echo $?; ls big; mv -x a b; echo $?
        """, options=("--disk", disk))
    assert run.stdout.decode() == (
        "0\n/home:\na\n\n/home/a:\nb\nlink\n\n/home/a/b:\nfile\n"
        "-rw-r-----   1          5 2001-02-03 04:05 file\nother\n"
        "mv: file to /home/file: Not a directory\n1\nfile\n"
        "mv: a to /home/a: Directory not empty\n1\na\nfile\n"
        "0\nnew:\nb\nlink\n/home:\nfile\n"
        "cp: /home/big/zeros: No space left on device\n1\nzeros\n"
        "mv: invalid option -- 'x'\nusage: mv [-f] FROM... TO\n2\n"), run


def test_what_cannot_be_printed():
    """Who prints to a full disk has failed, whatever else went well."""
    run = shell("""for line in 'ls /' 'wc /script' 'head /script' 'grep o /script' 'ps' 'df' 'free' \\
                'hexdump /script' 'uname' 'cat /script' 'ls -l /bin'; do
            $line 2>&1 >/dev/full; echo $?; done""")
    lines = run.stdout.decode().splitlines()
    assert lines[1::2] == ["1"] * 3 + ["2"] + ["1"] * 7, run
    assert all(line.endswith(": No space left on device") for line in lines[::2]), run


def test_what_cannot_be_read():
    """A directory is said to be one, "-" is standard input, and numbers are numbers."""
    run = shell("""mkdir /d; cd /; echo text > f; exec 2>&1; for line in 'wc d f' 'head d f' 'grep t d f' \\
            'grep -q t d f' 'hexdump d' 'wc -' 'head -- -' 'grep -c t -' 'head -n x f' 'head -n -1 f'; do
            $line < f; echo $?; done
        grep -c '' f; wc < d; head < d; grep x < d; hexdump < d; echo $?""")
    assert run.stdout.decode() == (
        "wc: d: Is a directory\n       1       1       5 f\n       1       1       5 total\n1\n"
        "head: d: Is a directory\n==> d <==\n\n==> f <==\ntext\n1\n"
        "grep: d: Is a directory\nf:text\n2\ngrep: d: Is a directory\n0\n"
        "hexdump: d: Is a directory\n00000000\n1\n"
        "       1       1       5 -\n0\ntext\n0\n1\n0\nhead: x is not a count\n2\n"
        "head: -1 is not a count\n2\n1\n" + "".join(f"{name}: standard input: Is a directory\n"
                          for name in ("wc", "head", "grep", "hexdump")) + "00000000\n1\n"), run


# By dash in a folder with the files of FILES, here by this machine's own programs of those
# names, and in the guest.
FILES = {
    "words": "pear\napple fig\nfig.leaf\n\nApple\n_fig\nfigs figfig fig\na.c abc\n2 * 3 = 6\n-x\n",
    "table": "10 pears\n9 apples\n100 figs",
    "folder/one": "a fig\n",
    "folder/below/two": "no pears\nfigs\n",
}
CASES = r"""
grep -e pear -e apple words
grep -n -e pear -e '^Ap' words table
grep -e -x words
grep -- -x words
grep -e=x words
grep 'pear
leaf' words
grep -e '' words
grep -F a.c words
grep -F '2 * 3' words
grep -F '^' words
grep -F '[' words
grep -Fi APPLE words
grep -F -e a.c -e '*' -o words
grep -l fig words table folder/one
grep -l none words table
grep -lv fig words folder/one
grep -lc fig words folder/one
grep -l fig < words
grep -ql fig words none
grep -o 'fig' words
grep -no 'f[a-z]*' words
grep -o 'x*' words
grep -oi 'APP[a-z]' words table
grep -co fig words
grep -ov fig words
grep -o '^.' words
grep -o -e fig -e figs words
grep -oe fig -e 'fig.*' words
grep -w fig words
grep -wn figs words table
grep -ow 'fig' words
grep -ow 'f[a-z]*' words
grep -wE 'fi|fig' words
grep -w 'fi.*' words
grep -wv fig words
grep -wF a words
grep -wc 'x*' table
grep -r fig folder | sort
grep -rl fig . | sort
grep -rc fig folder/ | sort
grep -ro pears folder
grep -r fig folder/one
grep -rn fig folder/one folder/below
cd folder; grep -r figs
grep -rn none folder
grep fig - < table
grep fig words - < table
grep -c fig words table
grep -cv fig words table none 2>/dev/null
grep -q fig none words 2>/dev/null
grep -q none none words 2>/dev/null
grep 2>/dev/null
grep -e 2>/dev/null
grep '\(' words 2>/dev/null
grep s table
head -c 3 words
head -c 0 words
head -c 1000 table
head -c 4 words table
head -n 2 - < words
head -2 words
head -1 words table
head -n1 words
head -c4 < words; echo
(head -n 1; echo; head -n 1) < words
head -c x words 2>/dev/null || echo failed
head -n 0 words
wc -c - < table | grep -c 27
"""


def test_as_on_the_host(tmp_path):
    """grep and head beside this machine's."""
    port("toybox")  # for sort
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    # A case may have several lines, where a quoted text has a line break.
    cases, lines = [], CASES.strip().splitlines()
    for line in lines:
        if cases and cases[-1].count("'") % 2 == 1:
            cases[-1] += "\n" + line
        else:
            cases.append(line)
    script = "".join(f"echo '-- {number}'; ({case}); echo status $?\n"
                     for number, case in enumerate(cases))
    here = subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True,
                          env={"PATH": "/bin:/usr/bin", "LC_ALL": "C"})
    guest = shell("mkdir -p /t/folder/below; cd /t\n" + "".join(
        f"cp /from/{name.replace('/', '-')} {name}\n" for name in FILES) + script,
        *((tmp_path / name, f"/from/{name.replace('/', '-')}") for name in FILES))
    wanted, printed = (re.split(r"^-- \d+\n", text, flags=re.MULTILINE)[1:]
                       for text in (here.stdout, guest.stdout.decode()))
    assert len(wanted) == len(printed) == len(cases), guest
    assert not [case for case in zip(cases, wanted, printed) if case[1] != case[2]], guest


def test_grep_and_what_is_no_text():
    """A byte 0 is one as any other, and lines are as long as they are."""
    port("toybox")  # for seq, tr, ...
    run = shell(r"""cd /tmp; printf 'a\0b fig\0\nc\n' > f; grep fig f | od -c | head -n 1; grep -o 'b.f' f
        seq 100000 | tr '\n' ' ' > long; grep -c 99999 long; grep -o '9999[0-9]' long | wc -l
        grep -ow 5 long; mkdir d; ln -s ../f d/link; mkfifo d/pipe; grep -r fig d; echo $?
        """)
    assert run.stdout.decode() == (
        "0000000   a  \\0   b       f   i   g  \\0  \\n\nb f\n1\n      10\n5\n1\n"), run


def test_kill_reaches_everybody():
    """Neither a brother nor an orphan is out of reach of a program that a shell starts."""
    run = shell("""
        sleep 500 & /bin/kill $!; wait $! 2>/dev/null; echo $?
        (sleep 600 & echo $! >/tmp/pid); read pid </tmp/pid
        /bin/kill -9 $pid; echo $?
        while /bin/kill -0 $pid 2>/dev/null; do sleep 0.01; done; echo gone
    """)
    assert run.stdout.decode() == "143\n0\ngone\n", run


def test_kill_and_its_names():
    """Options as POSIX has them, groups among them, and what a number means."""
    run = shell("""for line in '-s' '-s TERM' '-FOO 1' '-s FOO 1' '-l 9' '-l 143' '-l x' \\
                '-s 0 1' '-9 -- -9999' '-- -9999' '-9'; do
            /bin/kill $line 2>&1; echo $?; done | grep -v ^usage | grep -v '^  *kill'""")
    assert run.stdout.decode() == (
        "2\n2\nkill: FOO is no signal\n2\nkill: FOO is no signal\n2\nKILL\n0\nTERM\n0\n"
        "kill: x is no signal\n1\n0\n" + "kill: -9999: No such process\n1\n" * 2 + "2\n"), run


def test_mounts_are_told_from_the_root():
    """Whatever path mount was given, /proc/mounts has one that is right everywhere."""
    run = shell("""mkdir -p /tmp/d/e; cd /tmp/d; mount -t ramfs ./e/; mount; cd /; df | grep -c e$
        cd /tmp; mount -u d/e; echo $?; mount -t ramfs none 2>&1; echo $?""")
    assert run.stdout.decode() == (
        "ramfs / ramfs rw\nproc /proc proc ro\nramfs /tmp/d/e ramfs rw\n1\n0\n"
        "mount: none: No such file or directory\n1\n"), run


def test_cp_of_what_cannot_be_read(tmp_path):
    """A file whose second block is beyond the disk's end: it opens, and then reading fails."""
    disk = tmp_path / "disk.img"
    (tmp_path / "file").write_bytes(b"x" * 4096)
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext2", "-b", "1024", disk, "4M"],
                   check=True)
    for request in (f"write {tmp_path / 'file'} file", "set_inode_field file block[1] 999999"):
        subprocess.run(["/sbin/debugfs", "-w", "-R", request, disk], check=True,
                       capture_output=True)
    run = shell("cp /home/file /copy; echo $?", options=("--disk", disk))
    lines = run.stdout.decode().splitlines()
    assert lines[0].startswith("cp: /home/file: ") and lines[1] == "5", run


def test_lua():
    """Integers of 64 bits, floats, files, pipes and other programs."""
    run = shell("""lua -e '
        print(12345678901234567, 2^53, 7 // 2, math.pi)
        local f = assert(io.open("/f", "w")); f:write("a\\n", 42, "\\n"); f:close()
        for line in io.lines("/f") do print(line) end
        print(os.execute("exit 4"))
        print(io.popen("echo popen"):read("a"))
        print((select(2, os.remove("/none"))))'""", (port("lua"), "/bin/lua"))
    assert run.stdout.decode() == (
        "12345678901234567\t9.007199254741e+15\t3\t3.1415926535898\na\n42\n"
        "nil\texit\t4\npopen\n\n/none: No such file or directory\n"), run


def test_minigzip_against_the_host(tmp_path):
    """What the guest packs the host unpacks, and the other way round."""
    data = b"".join(b"%d squared is %d\n" % (i, i * i) for i in range(20000))
    plain, packed = tmp_path / "plain", tmp_path / "packed.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data))
    files = ((port("minigzip"), "/bin/minigzip"), (plain, "/plain"), (packed, "/packed.gz"))
    run = shell("minigzip < /plain", *files)
    assert run.status == 0 and gzip.decompress(run.stdout) == data, run.status
    run = shell("minigzip -d < /packed.gz", *files)
    assert run.status == 0 and run.stdout == data, run.status


def test_minigzip_packs_as_on_the_host(tmp_path):
    """The same source, compiled for this machine, gives the same bytes, at each level."""
    program = port("minigzip")
    folder, = (booting.BUILD / "ports" / "source" / "minigzip").iterdir()
    here = tmp_path / "minigzip"
    subprocess.run([shutil.which("clang") or "cc", "-O1", "-w", "-I.", "-DHAVE_UNISTD_H", "-o",
                    here, *folder.glob("*.c"), "test/minigzip.c"], cwd=folder, check=True)
    plain = tmp_path / "plain"
    plain.write_bytes(b"".join(b"%d %x\n" % (i * i, i ^ i >> 3) for i in range(6000)))
    for level in ("-1", "-6", "-9"):
        packed = subprocess.run([here, level], input=plain.read_bytes(), check=True,
                                stdout=subprocess.PIPE).stdout
        run = shell(f"minigzip {level} < /plain", (program, "/bin/minigzip"), (plain, "/plain"))
        assert run.status == 0 and run.stdout == packed, (level, run.status, len(run.stdout))


def test_sqlite():
    run = shell("""sqlite3 /t.db 'create table t(a integer primary key, b text);
        begin; insert into t select value, hex(value) from
            (with recursive c(value) as (values(1) union all select value + 1 from c
             where value < 1000) select value from c); commit;
        select count(*), sum(a), 0.1 + 0.2, max(b) from t; pragma integrity_check;'
        sqlite3 /t.db 'select b from t where a = 500'""", (port("sqlite3"), "/bin/sqlite3"))
    assert run.stdout.decode() == "1000|500500|0.3|393939\nok\n353030\n", run


@pytest.mark.slow
def test_sqlite_takes_turns():
    """Several processes with one database: a lock keeps others out, and nothing is lost."""
    run = shell("""
        cd /tmp
        sqlite3 t.db 'create table t(who text, n integer)'
        # From here to the commit it is nobody else's.
        (echo 'begin exclusive;'; sleep 4; echo 'commit;') | sqlite3 t.db &
        sleep 2
        sqlite3 t.db "insert into t values('x', 1)" 2>&1
        sqlite3 t.db 'select count(*) from t' 2>&1
        wait
        for who in a b c; do
            (echo .timeout 60000
             i=0
             while [ $i -lt 20 ]; do
                 echo "insert into t values('$who', $i);"
                 i=$((i + 1))
             done) | sqlite3 t.db || echo failed &
        done
        wait
        sqlite3 t.db 'select who, count(*), sum(n) from t group by who; pragma integrity_check'
        """, (port("sqlite3"), "/bin/sqlite3"), timeout=150)
    lines = run.stdout.decode().splitlines()
    assert [line for line in lines if "database is locked" in line] == lines[:2], run
    assert lines[2:] == ["a|20|190", "b|20|190", "c|20|190", "ok"], run


def test_sqlite_on_the_disk(tmp_path):
    """A database on ext3 outlives the machine, and this machine's SQLite can read it."""
    disk = tmp_path / "disk.img"
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext3", "-b", "1024", "-O",
                    "^resize_inode", disk, "8M"], check=True)
    program, options = (port("sqlite3"), "/bin/sqlite3"), {"options": ("--disk", disk)}
    run = shell("""cd /home; sqlite3 t.db 'create table t(a integer primary key, b text);
        create index i on t(b); begin; with recursive c(v) as (values(1) union all select
        v + 1 from c where v < 2000) insert into t select v, hex(v * v) from c; commit;
        begin; delete from t where a % 2; rollback; delete from t where a % 3 = 0;
        pragma integrity_check;'; ls""", program, **options)
    assert run.stdout.decode().split() == ["ok", "lost+found", "t.db"], run
    run = shell("sqlite3 /home/t.db 'select count(*), sum(a) from t'", program, **options)
    assert run.stdout == b"1334|1334667\n", run
    check = subprocess.run(["/sbin/e2fsck", "-fn", disk], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout
    subprocess.run(["/sbin/debugfs", "-R", f"dump /t.db {tmp_path / 't.db'}", disk], check=True,
                   capture_output=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "t.db")) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        rows = dict(database.execute("select a, b from t"))
    assert rows == {a: str(a * a).encode().hex().upper() for a in range(1, 2001) if a % 3}


def test_tcc_makes_programs_in_the_guest():
    """The hello-world by the system call itself, and a program with most of the library."""
    port("tcc")
    run = shell(r"""
        cat > /hello.c <<'END'
#include <postern/syscalls.h>
int main(void)
{
	static const char text[] = "Hello, world, through _kern_write!\n";
	return _kern_write(1, -1, text, sizeof text - 1) == sizeof text - 1 ? 3 : 1;
}
END
        cat > /print.c <<'END'
#define _GNU_SOURCE
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char *text = malloc(100);
	snprintf(text, 100, "%lld %.10f %s %d", 1234567890123LL / argc, sqrt(argc), argv[1],
		access("/none", F_OK));
	return puts(text) > 0 ? 0 : 1;
}
END
        tcc -Wall -Werror -o /hello /hello.c && /hello; echo $?
        tcc -Wall -Werror -c /print.c -o /print.o && tcc -o /print /print.o -lm
        /print word; echo $?
        echo 'int main(void) { return nothing; }' > /wrong.c; tcc -o /wrong /wrong.c 2>&1; echo $?
    """)
    assert run.stdout.decode() == (
        "Hello, world, through _kern_write!\n3\n"
        "617283945061 1.4142135624 word -1\n0\n"
        "/wrong.c:1: error: 'nothing' undeclared\n1\n"), run


def test_ports_are_pinned():
    """Each port has a version, and the SHA-256 of what is built; no address of a mirror."""
    text = (booting.TOP / "tools/ports.py").read_text()
    listed = subprocess.run(["tools/ports.py", "--list"], cwd=booting.TOP, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    assert len(listed) >= 5
    assert len(re.findall(r'"[0-9a-f]{64}"', text)) >= len(listed)
    assert "://" not in text
