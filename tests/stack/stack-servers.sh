# Part of `stack`: the real servers. Each is noted in DIR/pids as "name pid start-time", so that a
# number used again by another process is not touched.

# of a pid: the 22nd field of its stat, counted behind the name, which may hold blanks
start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    set -- ${stat##*) }
    [ "$1" != Z ] && echo "${20}"
}

is_alive() { # NAME
    local name pid began
    while read -r name pid began; do
        [ "$name" = "$1" ] && [ -n "$began" ] || continue
        [ "$(start_time "$pid")" != "$began" ] || return 0
    done < "$DIR/pids"
    return 1
}

# launch NAME LOG COMMAND...: in a session of its own, so that whoever started the stack does not
# take it along when he goes.
launch() {
    local name=$1 log=$2
    shift 2
    setsid "$@" </dev/null >>"$log" 2>&1 &
    local pid=$!
    touch "$DIR/pids"
    sed -i "/^$name /d" "$DIR/pids"
    echo "$name $pid $(start_time $pid)" >> "$DIR/pids"
}

listens() { (: < "/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

await_port() { # NAME PORT
    await 30 "$1 (its log lies in $DIR/log)" listens_or_dead "$1" "$2"
    is_alive "$1" || { tail -n 5 "$DIR/log/$1" >&2; fail "$1 ended at once"; }
}
listens_or_dead() { listens "$2" || ! is_alive "$1"; }

stop_one() { # NAME: TERM, and KILL when it does not go
    local name pid began until
    [ -f "$DIR/pids" ] || return 0
    while read -r name pid began; do
        [ "$name" = "$1" ] && [ -n "$began" ] || continue
        [ "$(start_time "$pid")" = "$began" ] || continue
        kill -TERM "$pid" 2>/dev/null || true
        until=$((SECONDS + 15))
        while [ "$(start_time "$pid")" = "$began" ]; do
            [ $SECONDS -lt $until ] || kill -KILL "$pid" 2>/dev/null || true
            sleep 0.02
        done
    done < "$DIR/pids"
    sed -i "/^$1 /d" "$DIR/pids"
}

# dockerd's own containerd outlives it for a moment, and the namespace it mounted stays.
clear_docker() {
    local pid began mount
    [ -d "$DIR/docker" ] || return 0
    pid=$(cat "$DIR/docker/exec/containerd/containerd.pid" 2>/dev/null) || pid=
    began=$([ -z "$pid" ] || start_time "$pid" || true)
    stop_one dockerd
    while [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ]; do sleep 0.02; done
    cut -d' ' -f2 /proc/mounts | grep "^$DIR/docker/" \
        | sort -r | while read -r mount; do umount "$mount" || true; done
}

stop_servers() {
    local name
    stop_one sshd
    clear_docker
    for name in registry nats; do stop_one $name; done
}

make_secrets() {
    local user
    mkdir -p "$DIR/log" "$DIR/nats"
    for user in execution brain operator viewer admin; do
        (umask 077; secret > "$DIR/bus.$user")
    done
    (umask 077; cat > "$DIR/nats/nats.conf" <<END
listen: "127.0.0.1:$NATS_PORT"
http: "127.0.0.1:$NATS_MONITOR_PORT"
$([ $JETSTREAM = 0 ] || echo "jetstream { store_dir: \"$DIR/nats/js\" }")
authorization {
  users = [
    { user: execution, password: "$(cat "$DIR/bus.execution")", permissions: {
        publish: ["titan.evt.execution.>", "_INBOX.>"],
        subscribe: ["titan.cmd.>", "titan.req.exec.>"] } }
    { user: brain, password: "$(cat "$DIR/bus.brain")", permissions: {
        publish: ["titan.req.exec.policy_hash.v1", "titan.sys.>", "titan.evt.brain.>"],
        subscribe: ["titan.evt.>", "_INBOX.>"] } }
    { user: operator, password: "$(cat "$DIR/bus.operator")", permissions: {
        publish: ["titan.cmd.operator.arm.v1", "titan.cmd.operator.disarm.v1",
          "titan.req.exec.policy_hash.v1"],
        subscribe: ["titan.sys.>", "_INBOX.>"] } }
    { user: viewer, password: "$(cat "$DIR/bus.viewer")", permissions: {
        publish: ["titan.req.exec.policy_hash.v1"],
        subscribe: ["titan.evt.>", "titan.sys.>", "_INBOX.>"] } }
    { user: admin, password: "$(cat "$DIR/bus.admin")" }
  ]
}
END
    )
}

start_nats() {
    is_alive nats && return
    launch nats "$DIR/log/nats" nats-server -c "$DIR/nats/nats.conf"
    await_port nats "$NATS_PORT"
    if [ $JETSTREAM = 1 ]; then
        local stream='{"name":"TITAN_CMD","subjects":["titan.cmd.>"],"storage":"file"'
        stream="$stream"',"retention":"limits","num_replicas":1}'
        as_bus_user admin request '$JS.API.STREAM.CREATE.TITAN_CMD' "$stream" > "$DIR/log/stream"
        grep -q '"config"' "$DIR/log/stream" || grep -q 'already in use' "$DIR/log/stream" \
            || fail "the stream TITAN_CMD was not made: $(cat "$DIR/log/stream")"
    fi
}

make_ssh_files() {
    mkdir -p "$DIR/ssh"
    ssh-keygen -q -t ed25519 -N '' -C 'stack host' -f "$DIR/ssh/host_key"
    ssh-keygen -q -t ed25519 -N '' -C 'stack client' -f "$DIR/ssh/client_key"
    cp "$DIR/ssh/client_key.pub" "$DIR/ssh/authorized_keys"
    chmod 644 "$DIR/ssh/authorized_keys"
    echo "[127.0.0.1]:$SSH_PORT $(cut -d' ' -f1,2 "$DIR/ssh/host_key.pub")" > "$DIR/ssh/known_hosts"
    cat > "$DIR/ssh/sshd_config" <<END
Port $SSH_PORT
ListenAddress 127.0.0.1
HostKey $DIR/ssh/host_key
PidFile none
AuthorizedKeysFile $DIR/ssh/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers $DEPLOY_USER
AllowTcpForwarding yes
MaxSessions 100
MaxStartups 100
PrintMotd no
SetEnv PATH=$DIR/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
END
}

start_sshd() {
    [ $SSH = 1 ] || return 0
    ! is_alive sshd || return 0
    [ -f "$DIR/ssh/sshd_config" ] || make_ssh_files
    [ "$(id -u)" != 0 ] || mkdir -p -m 755 /run/sshd
    launch sshd "$DIR/log/sshd" /usr/sbin/sshd -D -e -f "$DIR/ssh/sshd_config"
    await_port sshd "$SSH_PORT"
}

docker_answers() {
    [ -S "$DIR/docker/docker.sock" ] \
        && docker version >/dev/null 2>&1 || ! is_alive dockerd
}

# A daemon of its own: no bridge and no packet filter rules, since every container shares the host's
# loopback.
start_docker() {
    [ $MODE = docker ] || return 0
    if ! is_alive registry; then
        mkdir -p "$DIR/registry"
        cat > "$DIR/log/registry.yml" <<END
version: 0.1
log: {level: error}
storage:
  filesystem: {rootdirectory: $DIR/registry}
  delete: {enabled: true}
http: {addr: "127.0.0.1:$REGISTRY_PORT"}
END
        launch registry "$DIR/log/registry" docker-registry serve "$DIR/log/registry.yml"
    fi
    if ! is_alive dockerd; then
        mkdir -p "$DIR/docker"
        [ ${#DIR} -le 70 ] || fail "$DIR is too long a name for the sockets of a Docker daemon"
        local path=$PATH options=()
        [ $STORE = classic ] \
            || path=$DIR/bin/newer:$PATH options=(--config-file "$DIR/bin/daemon.json")
        PATH=$path launch dockerd "$DIR/log/dockerd" dockerd ${options[@]+"${options[@]}"} \
            -H "$DOCKER_HOST" --data-root "$DIR/docker/data" \
            --exec-root "$DIR/docker/exec" --pidfile "$DIR/docker/pid" \
            --iptables=false --ip-forward=false --ip-masq=false --bridge=none \
            --userland-proxy=false --group "$(id -gn "$DEPLOY_USER")"
    fi
    await_port registry "$REGISTRY_PORT"
    await 60 "dockerd (its log lies in $DIR/log)" docker_answers
    is_alive dockerd || { tail -n 5 "$DIR/log/dockerd" >&2; fail "dockerd ended at once"; }
}

start_servers() {
    touch "$DIR/pids"
    start_docker
    start_nats
    start_sshd
}

remove_containers() {
    local ids
    [ $MODE = standin ] || [ -S "$DIR/docker/docker.sock" ] || return 0
    ids=$(docker ps -aq --no-trunc 2>/dev/null) || return 0
    [ -z "$ids" ] || docker rm -f $ids >/dev/null
}
