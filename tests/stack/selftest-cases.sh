# The cases of `selftest`, in the order of their names.

case_baseline_is_healthy_and_in_parity() {
    for port in $EXECUTION_PORT $BRAIN_PORT $WEB_PORT; do ok health "$port"; done
    ok says execution "Risk Policy Loaded. Hash: $POLICY_HASH"
    ok says execution 'Execution initialized DISARMED'
    ok says brain "Policy hash handshake OK. Enabling signal processing. Hash: $POLICY_HASH"
    ok answers "{\"policy_hash\":\"$POLICY_HASH\",\"timestamp\":"
    ok no_marker
    is 'the health of the container' "$(look web '{{.State.Health.Status}}')" healthy
    is 'the mode of the env file' "$(stat -c %a "$TITAN_DIR/.env.prod")" 600
    # The policy line stands before the one that follows the connection, on which the responder
    # lives.
    is 'the order of lines' \
        "$(since_start execution | grep -oE 'Policy Loaded|Connected to NATS' | tr '\n' ,)" \
        'Policy Loaded,Connected to NATS,'
    ok bus admin listen titan.sys.heartbeat.v1.risk-guardian 5000 2
    bus admin listen titan.evt.execution.truth.v1 8000 1 > "$top/truth" || failed 'no truth'
    local words="\"policy_hash\":\"$POLICY_HASH\",\"positions\":{},\"service\":"
    ok grep -qF "$words\"titan-execution-rs\"" "$top/truth"
}

case_interlock_says_what_it_received_each_time_and_changes_once() {
    for nonce in one two; do ok order arm "$nonce reason"; done
    eventually says execution 'Received ARM command: two reason'
    is 'ARMED lines' "$(count 'EXECUTION ARMED: ')" 1
    ok says execution 'EXECUTION ARMED: one reason'
    ok marker
    for nonce in three four; do ok order disarm "$nonce \"quoted\""; done
    eventually says execution 'Received DISARM command: four \"quoted\"'
    is 'DISARMED lines' "$(count 'EXECUTION DISARMED: ')" 1
    ok no_marker
    is 'who received it' "$(cut -d' ' -f2 "$RECEIVED_LOG" | sort | uniq -c | xargs)" \
        '4 titan-execution'
    is 'what was received' "$(cut -d' ' -f3-4 "$RECEIVED_LOG" | tr '\n' ,)" \
        'ARM one,ARM two,DISARM three,DISARM four,'
}

case_marker_survives_a_restart_and_not_a_re_creation() {
    order arm before
    eventually says execution 'EXECUTION ARMED: before'
    local before
    before=$(look execution '{{.Id}} {{.State.StartedAt}}')
    restart execution
    eventually says execution 'Execution initialized in ARMED state'
    no says execution 'EXECUTION ARMED: before'
    ok grep -qF 'EXECUTION ARMED: before' <(docker logs "$(id_of execution)" 2>&1)
    ok marker
    is 'the container' "$(look execution '{{.Id}}')" "${before% *}"
    no test "$(look execution '{{.State.StartedAt}}')" = "${before#* }"
    is 'starts of Execution' "$(grep -c titan-execution "$STARTS_LOG")" 2
    ok compose up -d --no-deps --force-recreate titan-execution 2>/dev/null
    eventually says execution 'Execution initialized DISARMED'
    no test "$(look execution '{{.Id}}')" = "${before% *}"
    ok no_marker
}

case_disarm_while_down_is_lost() {
    docker stop -t 5 "$(id_of execution)" >/dev/null
    is 'its state' "$(look execution '{{.State.Status}}')" exited
    order disarm lost
    docker start "$(id_of execution)" >/dev/null
    eventually answers "$POLICY_HASH"
    no says execution 'lost'
    no test -e "$RECEIVED_LOG"
}

case_permissions_are_per_user() {
    no bus viewer publish titan.cmd.operator.arm.v1 x
    no bus operator publish titan.cmd.sys.halt.v1 x
    no bus operator listen titan.evt.execution.truth.v1 300 1
    is 'an answer to nobody' "$(bus admin request titan.req.nobody '{}' >/dev/null 2>&1; echo $?)" 1
    is 'a wrong password' \
        "$(NATS_URL=nats://127.0.0.1:$NATS_PORT NATS_USER=operator NATS_PASSWORD=x "$TOOL" publish \
        a b >/dev/null 2>&1; echo $?)" 2
    ok health "$EXECUTION_PORT"
}

case_bus_comes_back() {
    kill "$NATS_PID"
    eventually unhealthy "$EXECUTION_PORT"
    ok health "$BRAIN_PORT"
    "$here/stack" reset "$stack" || failed reset
    eval "$("$here/stack" env "$stack")"
    # And without new containers: the services connect again by themselves.
    local began
    began=$(look execution '{{.State.StartedAt}}')
    kill "$NATS_PID"
    eventually unhealthy "$EXECUTION_PORT"
    setsid nats-server -c "$stack/nats/nats.conf" </dev/null >/dev/null 2>&1 &
    local again=$!
    eventually health "$EXECUTION_PORT"
    eventually answers "$POLICY_HASH"
    is 'the start of Execution' "$(look execution '{{.State.StartedAt}}')" "$began"
    kill $again
    wait $again
}
unhealthy() { ! health "$1"; }

case_faults_of_the_responder() {
    fault execution wrong_hash
    eventually answers '"policy_hash"'
    no answers "$POLICY_HASH"
    restart brain
    eventually says brain 'CRITICAL: Policy hash handshake FAILED. '
    eventually says brain "Brain hash: $POLICY_HASH, Execution hash: "
    ok health "$BRAIN_PORT"
    fault execution wrong_reply=$(printf '%064d' 7)
    ok answers "$(printf '%064d' 7)"
    fault execution old_reply
    is 'the old form' "$(ask)" "{\"hash\":\"$POLICY_HASH\"}"
    fault execution two_responders
    bus operator request titan.req.exec.policy_hash.v1 '{}' 2000 2 > "$top/two" \
        || failed 'one answer'
    is 'different answers' "$(grep -o '"policy_hash":"[0-9a-f]*"' "$top/two" | sort -u | wc -l)" 2
    fault execution two_responders=same
    bus operator request titan.req.exec.policy_hash.v1 '{}' 2000 2 > "$top/two" \
        || failed 'one answer'
    is 'different answers' "$(grep -o '"policy_hash":"[0-9a-f]*"' "$top/two" | sort -u | wc -l)" 1
    fault execution no_responder
    eventually no_answer
    restart brain
    eventually says brain 'handshake FAILED. 503 No Responders'
    fault execution none
    eventually answers "$POLICY_HASH"
    is 'a second handshake' "$(since_start brain | grep -c 'handshake OK')" 0
}
no_answer() { ask 2>&1 | grep -q '503 no responders'; }

case_faults_of_the_interlock() {
    fault execution deaf_disarm deaf_arm
    ok order disarm unheard-1
    ok order arm unheard-2
    eventually grep -q 'ARM-unheard unheard-2' "$RECEIVED_LOG"
    ok grep -q 'DISARM-unheard unheard-1' "$RECEIVED_LOG"
    is 'what it says of it' "$(count 'Received ')" 0
    fault execution none
    ok order arm a
    eventually says execution 'EXECUTION ARMED: a'
    fault execution interlock_stuck
    ok order disarm b
    eventually says execution 'Received DISARM command: b'
    no says execution 'EXECUTION DISARMED'
    ok marker
    fault execution marker_stuck
    ok order disarm c
    eventually says execution 'EXECUTION DISARMED: c'
    ok marker
    fault execution armed_at_start
    ok compose up -d --no-deps --force-recreate titan-execution 2>/dev/null
    eventually says execution 'Execution initialized in ARMED state'
    ok marker
    fault execution armed_at_start silent_start
    ok compose up -d --no-deps --force-recreate titan-execution 2>/dev/null
    eventually marker
    eventually answers "$POLICY_HASH"
    no says execution 'Execution initialized'
}

case_faults_of_health_and_life() {
    fault execution unhealthy
    eventually unhealthy "$EXECUTION_PORT"
    fault execution none
    eventually health "$EXECUTION_PORT"
    fault brain unhealthy_after=0
    eventually unhealthy "$BRAIN_PORT"
    fault brain unhealthy_after=100000
    eventually health "$BRAIN_PORT"
    fault web unhealthy
    eventually container_is_unhealthy
    fault web health_hangs
    eventually unhealthy "$WEB_PORT"
    fault web none
    eventually health "$WEB_PORT"
    fault execution crash_after=200
    eventually has_restarted
    fault execution none
    eventually health "$EXECUTION_PORT"
    fault execution error_line=ERROR_of_the_day
    eventually says execution 'ERROR of the day'
    fault brain silent_handshake
    restart brain
    eventually says brain 'Connected to NATS'
    fault execution slow_start=1500
    restart execution
    no says execution 'Risk Policy Loaded'
    eventually says execution 'Risk Policy Loaded'
    no says brain 'handshake'
}
container_is_unhealthy() { [ "$(look web '{{.State.Health.Status}}')" = unhealthy ]; }
has_restarted() { [ "$(look execution '{{.RestartCount}}')" -ge 1 ]; }

case_release_brings_a_fault_and_pinning_takes_it_away() {
    local before_image before_id override=$TITAN_DIR/state/rollback.yml
    before_image=$(look execution '{{.Image}}')
    before_id=$(look brain '{{.Id}}')
    release v4 --policy '{"max":1}' --fault unhealthy
    is 'the tag on the target' \
        "$(docker image inspect --format '{{.Id}}' "$REGISTRY/titan-execution:latest")" \
        "$before_image"
    ok pull
    is 'the commit' "$(there rev-parse HEAD)" "$COMMIT"
    ok compose pull 2>/dev/null
    is 'the tag after the pull' \
        "$(docker image inspect --format '{{.Id}}' "$REGISTRY/titan-execution:latest")" \
        "$EXECUTION_IMAGE"
    is 'what runs after the pull' "$(look execution '{{.Image}}')" "$before_image"
    ok grep -q "\"$REGISTRY/titan-execution@sha256:" \
        <(docker image inspect --format '{{json .RepoDigests}}' "$EXECUTION_IMAGE")
    ok compose up -d --no-deps titan-execution 2>/dev/null
    is 'what runs' "$(look execution '{{.Image}}')" "$EXECUTION_IMAGE"
    is 'what was left alone' "$(look brain '{{.Id}}')" "$before_id"
    eventually answers "$EXECUTION_POLICY_HASH"
    no test "$EXECUTION_POLICY_HASH" = "$POLICY_HASH"
    no health "$EXECUTION_PORT"
    docker tag "$before_image" titan-rollback.invalid/titan-execution:1
    printf "version: '2.4'\nservices:\n  titan-execution:\n    image: %s\n" \
        titan-rollback.invalid/titan-execution:1 > "$override"
    ok compose -f "$override" up -d --no-deps --no-build titan-execution 2>/dev/null
    is 'what runs after the rollback' "$(look execution '{{.Image}}')" "$before_image"
    eventually health "$EXECUTION_PORT"
    eventually answers "$POLICY_HASH"
}

case_release_with_unequal_policies_and_one_by_tag_only() {
    local commit
    commit=$(there rev-parse HEAD)
    release hidden --tag-only --image-policy '{"hidden":1}'
    pull
    is 'the commit' "$(there rev-parse HEAD)" "$commit"
    no test "$EXECUTION_POLICY_HASH" = "$POLICY_HASH"
    release v5 --policy '{"a":1}' --brain-policy '{"b":1}'
    no test "$EXECUTION_POLICY_HASH" = "$BRAIN_POLICY_HASH"
    pull
    ok compose pull 2>/dev/null
    ok compose up -d titan-execution 2>/dev/null
    eventually answers "$EXECUTION_POLICY_HASH"
    ok compose up -d --remove-orphans 2>/dev/null
    eventually says brain "Brain hash: $BRAIN_POLICY_HASH, Execution hash: $EXECUTION_POLICY_HASH"
}

case_release_that_builds() {
    local before
    before=$(look execution '{{.Image}}')
    release built --build
    pull
    ok grep -q 'build:' <(compose config 2>/dev/null)
    ok compose build titan-execution titan-brain 2>/dev/null
    ok compose up -d --no-build --remove-orphans 2>/dev/null
    no test "$(look execution '{{.Image}}')" = "$before"
    is 'the image under the tag' \
        "$(docker image inspect --format '{{.Id}}' "$REGISTRY/titan-execution:latest")" \
        "$(look execution '{{.Image}}')"
    ok docker image inspect "$before"
    eventually health "$EXECUTION_PORT"
    release only --build-only
    pull
    ok compose build titan-execution titan-brain 2>/dev/null
    ok compose up -d --no-build --remove-orphans 2>/dev/null
    is 'the name of its image' "$(look execution '{{.Config.Image}}')" titan_titan-execution
}

case_compose_changes_what_has_changed() {
    local before
    before=$(for service in execution brain web; do look $service '{{.Id}} {{.State.StartedAt}}'; \
        done)
    ok compose up -d --remove-orphans 2>/dev/null
    is 'an unchanged stack' \
        "$(for service in execution brain web; do look $service '{{.Id}} {{.State.StartedAt}}'; \
        done)" "$before"
    echo 'TITAN_HANDSHAKE_MS=301' >> "$TITAN_DIR/.env.prod"
    ok compose up -d 2>/dev/null
    is 'a change for Brain alone' \
        "$(look execution '{{.Id}} {{.State.StartedAt}}'; look web \
        '{{.Id}} {{.State.StartedAt}}')" "$(sed -n '1p;3p' <<< "$before")"
    no test "$(look brain '{{.Id}}')" = "$(sed -n '2s/ .*//p' <<< "$before")"
    sed -i '/^  titan-web:/,$d' "$TITAN_DIR/docker-compose.prod.yml"
    ok compose up -d 2>/dev/null
    ok test -n "$(id_of web)"
    ok compose up -d --remove-orphans 2>/dev/null
    is 'the orphan' "$(id_of web)" ''
    there checkout -q docker-compose.prod.yml
    ok grep -q '"status":"ok"' \
        <(compose exec -T titan-execution /app/titan-service health "$EXECUTION_PORT" 2>/dev/null)
    is 'the status of a command in a container' \
        "$(compose exec -T titan-execution /app/titan-service health 1 >/dev/null 2>&1; echo $?)" 1
    sed -i '/^HMAC_SECRET/d' "$TITAN_DIR/.env.prod"
    compose config >/dev/null 2>"$top/error" || failed 'an unset variable is only a warning'
    ok grep -qE '(HMAC_SECRET|HMAC_SECRET\\") variable is not set. Defaulting to a blank string.' \
        "$top/error"
    sed -i '/^NATS_PORT/d' "$TITAN_DIR/.env.prod"
    no compose config
}

case_images_are_held_saved_and_loaded() {
    local image digest
    image=$(look brain '{{.Image}}')
    digest=$(docker image inspect --format '{{range .RepoDigests}}{{.}}{{end}}' "$image")
    ok docker create --name titan-hold-1-titan-brain --label com.docker.compose.project=titan-hold \
        "$image" true 2>/dev/null
    is 'the hold' \
        "$(docker inspect --format '{{.State.Status}} {{.Image}}' titan-hold-1-titan-brain)" \
        "created $image"
    is 'found by its label and name' \
        "$(docker ps -a -q --no-trunc --filter label=com.docker.compose.project=titan-hold \
        --filter name=titan-hold-1- | wc -l)" 1
    no docker create --name titan-hold-1-titan-brain "$image" true
    ok docker save -o "$TITAN_DIR/state/image.tar" "$image"
    docker rm -f titan-hold-1-titan-brain "$(id_of brain)" >/dev/null
    docker rmi -f "$image" >/dev/null
    no docker image inspect "$image"
    ok docker load -i "$TITAN_DIR/state/image.tar"
    ok docker image inspect "$image"
    is 'its digests' "$(docker image inspect --format '{{json .RepoDigests}}' "$image")" '[]'
    docker rmi -f "$image" >/dev/null
    ok docker pull "$digest"
    is 'its digests' \
        "$(docker image inspect --format '{{range .RepoDigests}}{{.}}{{end}}' "$image")" "$digest"
    no docker pull "$REGISTRY/titan-brain:nothing"
    no docker pull titan-rollback.invalid/titan-brain:9
    ok docker tag "$image" titan-rollback.invalid/titan-brain:9
    is 'the tag' "$(docker image inspect --format '{{.Id}}' titan-rollback.invalid/titan-brain:9)" \
        "$image"
}

case_login_is_the_deploy_user_with_a_clean_environment() {
    [ -e "$CLIENT_KEY" ] || return 0
    local login="ssh -n -i $CLIENT_KEY -o UserKnownHostsFile=$KNOWN_HOSTS"
    local compose="$COMPOSE -p titan -f docker-compose.prod.yml --env-file .env.prod"
    login="$login -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    login="$login -p $SSH_PORT $DEPLOY_USER@127.0.0.1"
    is 'the user' "$($login id -un)" "$DEPLOY_USER"
    is 'containers' "$($login "DOCKER_HOST=$DOCKER_HOST $DOCKER ps -q" | wc -l)" 3
    ok $login "cd $TITAN_DIR && git pull -q origin main" 2>/dev/null
    compose="DOCKER_HOST=$DOCKER_HOST $compose up -d --force-recreate titan-web"
    ok $login "cd $TITAN_DIR && $compose" 2>/dev/null
    local detour="git checkout -q HEAD~1 && git checkout -q main && git rev-parse HEAD"
    is 'the way back to a detached tree' "$($login "cd $TITAN_DIR && $detour")" "$BASE_COMMIT"
}

case_plugin_is_detected_only_where_it_is() {
    if [ "$COMPOSE" = "$DOCKER compose" ]; then
        ok grep -q '^Docker Compose version v2' <(docker compose version)
        is 'the head of config' "$(compose config 2>/dev/null | head -n 1)" 'name: titan'
        is 'a missing file' \
            "$(cd "$TITAN_DIR" && $COMPOSE -f nothing.yml config >/dev/null 2>&1; echo $?)" 14
        is 'a missing image' "$(TITAN_TAG=nothing compose pull >/dev/null 2>&1; echo $?)" 18
        no grep -q '^version' <(compose config 2>/dev/null)
        ok grep -q 'Container titan_titan-web_1  Running' <(compose up -d 2>&1)
    else
        no docker compose version
    fi
}

case_compose_hash_is_the_one_in_the_label() {
    local service
    ok grep -qE '^v?[12][.][0-9]+[.]' <(compose version --short)
    compose config --hash='*' 2>/dev/null > "$top/hashes"
    for service in execution brain web; do
        ok grep -qx "titan-$service $(look $service \
            '{{index .Config.Labels "com.docker.compose.config-hash"}}')" "$top/hashes"
    done
    WEB_PORT=1 compose config --hash='*' 2>/dev/null > "$top/others"
    is 'services with another hash' \
        "$(grep -vxFf "$top/hashes" "$top/others" | cut -d' ' -f1)" titan-web
    docker tag "$REGISTRY/titan-brain:latest" "$REGISTRY/titan-web:latest"
    compose config --hash='*' 2>/dev/null > "$top/others"
    is 'services with another image' \
        "$(grep -vxFf "$top/hashes" "$top/others" | cut -d' ' -f1)" titan-web
}

case_supervisor_that_dies_takes_its_service_along() {
    [ "$mode" = standin ] || return 0
    local state service
    state=$(cat "$stack/standin/state/containers/$(id_of web)/state.json")
    service=$(sed -n 's/.*"Pid": \([0-9]*\).*/\1/p' <<< "$state")
    kill -KILL "$(sed -n 's/.*"Supervisor": \([0-9]*\).*/\1/p' <<< "$state")"
    eventually test ! -d "/proc/$service"
    eventually has_exited
    ok compose up -d 2>/dev/null
    eventually health "$WEB_PORT"
}
has_exited() { [ "$(look web '{{.State.Status}}')" = exited ]; }

case_two_at_a_time_leave_one_container_a_service() {
    [ "$mode" = standin ] || return 0
    local one two
    compose up -d --force-recreate >/dev/null 2>&1 &
    one=$!
    compose up -d --force-recreate >/dev/null 2>&1 &
    two=$!
    ok wait $one
    ok wait $two
    is 'containers' "$(docker ps -q | wc -l)" 3
    for port in $EXECUTION_PORT $BRAIN_PORT $WEB_PORT; do eventually health "$port"; done
}

case_reset_is_the_baseline() {
    local before
    before=$(for service in execution brain web; do look $service '{{.Image}}'; done)
    release v4 --policy '{"max":1}'
    pull
    compose pull >/dev/null 2>&1
    compose up -d >/dev/null 2>&1
    fault brain unhealthy
    order arm x
    "$here/stack" reset "$stack" || failed reset
    is 'the images' "$(for service in execution brain web; do look $service '{{.Image}}'; done)" \
        "$before"
    is 'the commit' "$(there rev-parse HEAD)" "$BASE_COMMIT"
    no test -e "$RECEIVED_LOG"
    ok compose pull 2>/dev/null
    is 'what the registry has' \
        "$(docker image inspect --format '{{.Id}}' "$REGISTRY/titan-execution:latest")" \
        "$(head -n 1 <<< "$before")"
    for port in $EXECUTION_PORT $BRAIN_PORT $WEB_PORT; do ok health "$port"; done
    "$here/stack" reset "$stack" --armed || failed reset
    ok marker
}
