/* Goal: the shell of the scripted world does with a script what /bin/sh does, as far as actions/
 * needs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/scripted.h"

static const struct {
    const char *script, *output;
    int status;
} cases[] = {
    {"", "", 0},
    {"echo a  b 'c  d' \"e  f\"", "a b c  d e  f\n", 0},
    {"printf '%s-%s\\n' 1 2 3 4", "1-2\n3-4\n", 0},
    {"printf '\\n%s %%s\\n' x", "\nx %s\n", 0},
    {"x='a b'; printf '[%s]' $x \"$x\"; echo", "[a][b][a b]\n", 0},
    {"x=; printf '[%s]' $x \"$x\"; echo", "[]\n", 0},
    {"false && echo no || echo yes; echo $?", "yes\n0\n", 0},
    {"true && false || echo third", "third\n", 0},
    {"! false; echo $?", "0\n", 0},
    {"false; s=$?; echo $s $?; x=$(exit 4); echo $?; x=$(exit 4)$?; echo $x", "1 0\n4\n0\n", 0},
    {"[ -z \"\" ] && [ x = x ] && [ ! 1 -gt 2 ] && echo good", "good\n", 0},
    {"exit 7; echo no", "", 7},
    {"(exit 3); echo $?", "3\n", 0},
    {"x=1; (x=2; echo $x); echo $x", "2\n1\n", 0},
    {"{ echo a; echo b; } | while read -r l; do echo \"<$l>\"; done", "<a>\n<b>\n", 0},
    {"echo 'a b  c ' | { read -r x y; echo \"[$x][$y]\"; }", "[a][b  c]\n", 0},
    {"f() { echo \"$1:$#\"; return_is=$2; }; f one 'two three'; echo $return_is",
     "one:2\ntwo three\n", 0},
    {"for i in 1 2 3; do [ $i != 2 ] || continue; echo $i; done", "1\n3\n", 0},
    {"n=0; while [ $n -lt 5 ]; do n=$((n + 1)); [ $n != 3 ] || break; done; echo $n", "3\n", 0},
    {"if false; then echo a; elif true; then echo b; else echo c; fi", "b\n", 0},
    {"case 2.9.1 in 1.*) echo one;; 2.[0-9] | 2.[0-9].*) echo old;; *) echo new;; esac", "old\n",
     0},
    {"case 'Could not find the file x' in *[Cc]'ould not find the file'*|*'o such'*) echo absent;; "
     "esac",
     "absent\n", 0},
    {"case abc in *[!0-9a-f]*) echo no;; ???*) echo yes;; esac", "yes\n", 0},
    {"h=36ab; r=${h#??}; echo $r ${h%\"$r\"} ${#h} $((0x${h%\"$r\"} ^ 54))", "ab 36 4 0\n", 0},
    {"v=v2.1; echo ${v#v} ${v%%.*} ${v%.*}", "2.1 v2 v2\n", 0},
    {"echo $(echo a; echo b) \"$(printf 'c\\n\\n')\"", "a b c\n", 0},
    {"echo \"$(echo \"in \\\"quotes\\\"\")\"", "in \"quotes\"\n", 0},
    {"printf \"\\\\$(printf %03o $((65 ^ 3)))\"", "B", 0},
    {"echo out; echo err >&2", "out\n", 0},
    {"exec 2>&1; echo err >&2", "err\n", 0},
    {"exec 2>&1; cd /nowhere || echo not there", "sh: cd: can't cd to /nowhere\nnot there\n", 0},
    {"mkdir -p /t; echo one > /t/f; cat /t/f; echo two >> /t/f; cat < /t/f", "one\none\ntwo\n", 0},
    {"mkdir -p /t; o=/t/o; exec 3> \"$o\" 4< \"$o\"; rm -f \"$o\"; (echo kept) >&3 3>&- 4<&-; "
     "s=$?; "
     "exec 3>&-; cat <&4; [ -e $o ] || echo gone; exit $s",
     "kept\ngone\n", 0},
    {"e=$(cat /nowhere 2>&1 >/dev/null) && echo there || echo \"$e\"",
     "/nowhere: No such file or directory\n", 0},
    {"mkdir -p /t; umask 077; : > /t/f; stat -L -c %a /t/f; umask", "600\n0077\n", 0},
    {"echo 'a b c d' | cut -d' ' -f2,4; trap : TERM; echo 'a b' | cut -d' ' -f1", "b d\na\n", 0},
    {"export s=1 t; x=2; t=3; sh -c 'echo \"[$s][$t][$x]\"'", "[1][3][]\n", 0},
    {"timeout -k 2 1.000 sh -c 'exit 5'; echo $?", "5\n", 0},
    {"mkdir -p /t; flock -o -E 75 -w 1.000 /t/l sh -c 'echo in'; echo x > /t/l; "
     "flock -o -E 75 -w 1 /t/l sh -c 'echo never'",
     "in\n", 75},
    {"printf 'a\\nbb\\nc b\\n' | grep -aF -e 'bb' -e 'c '; echo $?", "bb\nc b\n0\n", 0},
    {"printf 'a\\n' | grep -qF b; echo $?", "1\n", 0},
    {"printf 'x\\nversion: 3\\nversion: 4\\n' | grep -m1 '^version:'", "version: 3\n", 0},
    {"printf abc | sha256sum | cut -c1-8; echo 'a b c' | cut -d' ' -f2", "ba7816bf\nb\n", 0},
    {"dirname -- a.yml; dirname -- x/y/a.yml", ".\nx/y\n", 0},
    {"read -r b < /proc/sys/kernel/random/boot_id; read -r u r < /proc/uptime; echo ${#b} $r",
     "36 0.00\n", 0},
    {"set_f() { composed() { echo \"$@\"; }; }; set_f; composed a 'b c'", "a b c\n", 0},
    {"c=docker-compose; $c version --short", "1.29.2\n", 0},
};

static void script_output_as_of_sh(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scripted *scripted = scripted_open(1);
        struct arena arena = {0};
        struct grow output, errors;
        int status = titan_run(&scripted->titan, &arena, cases[i].script, "", 0, &output, &errors);
        if (status != cases[i].status || strcmp(output.data, cases[i].output) != 0)
            fail_msg("%s\nprinted \"%s\" and \"%s\" and ended with %d", cases[i].script,
                     output.data, errors.data, status);
        arena_free(&arena);
        scripted_close(scripted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(script_output_as_of_sh)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
