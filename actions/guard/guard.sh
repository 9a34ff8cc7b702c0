# actions/guard/guard.sh: the dead-man guard, as it runs on the target. In front of it stand the
# assignments of one deployment, behind it `make_safe`, `rollback` and a call of `main`
# (guard_plan.c).
# Needs: POSIX sh, coreutils, util-linux, docker, compose, git. No network, no registry, nobody.
# Time:  uptime of this boot, polled. Wall clocks and timers may step or be armed anew.
# Files: in $state/guard: plan (this text), due (how long to wait), turn (when the driver last did
#        something of a rollback of its own), alive, fired, record (journal/FORMAT.md, "Guard").
# Once due it is due: the driver does not renew, nor withdraw, what has passed.

guard=$state/guard
failed=0

clock() {
    read -r boot < /proc/sys/kernel/random/boot_id
    read -r up _ < /proc/uptime
    now=$((${up%.*} * 1000 + 1${up#*.}0 - 1000))
}

# ACT BEFORE STATUS, and what was said in $guard/said
record() {
    said=$(head -c 2000 "$guard/said" 2>/dev/null | tr '\n' ' ' |
        tr -cd 'A-Za-z0-9 ._:/@,=+-' | cut -c1-300)
    clock
    printf '{"act":"%s","boot":"%s","before_ms":%s,"after_ms":%s,"status":%s,"said":"%s"}\n' \
        "$1" "$boot" "$2" "$now" "$3" "$said" >> "$guard/record"
    sync "$guard/record"
}

# ACT WORDS: something was found, and nothing done
note() {
    printf '%s' "$2" > "$guard/said"
    clock
    record "$1" "$now" "${3:-0}"
}

# ACT SECONDS SCRIPT [INPUT]. A program that outlives its time keeps neither the lock nor a pipe.
act() {
    clock
    from=$now
    printf '%s' "${4-}" | timeout -k 2 "$2" sh -c "$3" > "$guard/said" 2>&1 9>&-
    status=$?
    record "$1" "$from" "$status"
    [ "$status" -eq 0 ] || failed=1
    return "$status"
}

read_due() {
    due_deployment='' due_plan='' due_begun='' due_boot='' due_ms=''
    [ -f "$guard/due" ] || return 1
    read -r due_deployment _ due_plan due_begun due_boot due_ms < "$guard/due"
    [ "$due_deployment" = "$deployment" ] && [ "$due_plan" = "$plan" ]
}

# The driver rolls back itself, and may be dead in the middle of it: $age is how long ago it did
# something of it.
read_turn() {
    turn_boot='' turn_ms=''
    [ -f "$guard/turn" ] || return 1
    read -r turn_boot turn_ms < "$guard/turn"
    [ "$turn_boot" = "$boot" ] || return 1
    age=$((now - turn_ms))
}

# Whether it must act, and $why.
is_due() {
    clock
    [ "$due_begun" = 1 ] || return 1
    why=''
    if [ "$due_boot" != "$boot" ]; then
        why=reboot
    elif read_turn; then
        [ "$age" -lt 30000 ] || why=turn
    elif [ "$now" -ge "$due_ms" ]; then
        why=deadline
    fi
    [ -n "$why" ]
}

still_due() {
    read_due && [ ! -e "$guard/fired" ] && is_due
}

is_open() {
    grep -qF "\"journal\":\"$journal\",\"deployment\":$deployment," "$state/deployment.json"
}

# A command of the driver that hangs under the lock is ended: a later one of the same number, or
# anybody else's, is not it.
end_hung() {
    [ "$why" != turn ] || [ "$now" -ge "$due_ms" ] || return 0
    read -r group start its_boot < "$state/command.pgid" || return 0
    [ "$its_boot" = "$boot" ] || return 0
    [ "$(cut -d' ' -f5,22 "/proc/$group/stat")" = "$group $start" ] || return 0
    kill -s TERM -- "-$group"
    sleep 1
    kill -s KILL -- "-$group"
} 2>/dev/null

# Of one service the containers that run now are those of before: IDS, in the order of `sort`.
is_as_before() {
    [ "$($docker ps -q --no-trunc --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1" \
        --filter label=com.docker.compose.oneoff=False | sort | tr '\n' ' ')" = "$2" ]
}

# What lies in the tree is of before, or of this deployment: nobody else's work is thrown away.
is_known() {
    head=$(git rev-parse HEAD 2>&1)
    case $head in
    "$before" | "$after") return 0 ;;
    esac
    failed=1
    note restore "HEAD is $head, which is neither of before nor of this deployment: left alone" 1
    return 1
}

# Brain asks once: Execution is waited for until it says what it loaded.
await_execution() {
    tries=0
    while [ "$tries" -lt "$settle" ] && [ -n "$loaded" ]; do
        id=$($docker ps -q --filter "label=com.docker.compose.project=$project" \
            --filter "label=com.docker.compose.service=$execution")
        [ -z "$id" ] || ! $docker logs "$id" 2>&1 | grep -qF "$loaded" || break
        tries=$((tries + 1))
        sleep 1
    done
}

observe() {
    ids=$($docker ps -q --no-trunc --filter "label=com.docker.compose.project=$project" \
        --filter label=com.docker.compose.oneoff=False)
    : > "$guard/said"
    [ -z "$ids" ] || $docker inspect --format \
        '{{index .Config.Labels "com.docker.compose.service"}} {{.Image}}' $ids |
        sort | while read -r service image; do
        clock
        record "found $service $image" "$now" 0
    done
    clock
    head=$(git rev-parse HEAD 2> /dev/null)
    record "head ${head:-unknown}" "$now" 0
}

# Without Docker nothing of it runs, and nothing can be done: behind a reboot it takes a while.
await_docker() {
    tries=0
    while [ "$tries" -lt 120 ] && ! $docker ps -q > /dev/null 2>&1; do
        tries=$((tries + 1))
        sleep 1
    done
}

# Safe without the lock, which somebody may hold for ever; the rest under it.
begin() {
    begun=1
    : > "$guard/record"
    : > "$guard/fired"
    sync "$guard"
    note begin "$why $due_ms"
    await_docker
    make_safe
}

go_back() {
    cd "$directory" || cd /
    rollback
    observe
    note end '' "$failed"
    rm -f "$guard/alive"
    exit 0
}

# One attempt. What fails is recorded, and stays for a person.
fire() {
    if ! is_open; then
        [ -s "$guard/record" ] ||
            note refused 'deployment.json does not name this deployment as open' 1
        exit 0
    fi
    waited=0
    exec 9>> "$state/deploy.lock"
    while ! flock -n 9; do
        end_hung
        [ "$waited" -lt 3 ] || [ -n "$begun" ] || [ "$why" = turn ] || ! still_due || begin
        [ -n "$begun" ] || still_due || return 0
        waited=$((waited + 1))
        is_alive
        sleep 1
    done
    if [ -z "$begun" ]; then
        still_due || return 0
        begin
    fi
    go_back
}

# Whoever looks at `alive` sees this process, and when it last looked.
is_alive() {
    clock
    printf '%s %s %s\n' "$(cut -d' ' -f1,22 /proc/$$/stat)" "$boot" "$now" > "$guard/alive.new"
    mv "$guard/alive.new" "$guard/alive"
}

main() {
    plan=$1
    begun=''
    export LC_ALL=C
    umask 077
    trap '' HUP INT QUIT PIPE
    PATH=$(cat "$guard/path") HOME=$(cat "$guard/home")
    export PATH HOME
    while read_due && [ ! -e "$guard/fired" ]; do
        is_alive
        ! is_due || fire
        exec 9>&-
        sleep 1
    done
    rm -f "$guard/alive"
    exit 0
}
