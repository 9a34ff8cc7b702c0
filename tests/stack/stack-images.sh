# Part of `stack`: the origin repository, and the images of its commits in the registry. A new image
# is built and pushed under the name localhost:PORT/..., never under the target's own
# 127.0.0.1:PORT/...: the moving tag changes in the registry, and what the target has under it
# changes only when the target pulls.

write_compose() { # BUILD FILE: BUILD is no, both (build: and image:), or only (no image:)
    local service build image
    {
        echo "version: '2.4'"
        echo 'services:'
        for service in execution brain web; do
            image="    image: $REGISTRY/titan-$service:\${TITAN_TAG:-latest}"
            build="    build:
      context: .
      dockerfile: services/$service/Dockerfile"
            echo "  titan-$service:"
            [ "$1" = only ] && [ $service != web ] || echo "$image"
            [ "$1" = no ] || [ $service = web ] || echo "$build"
            echo '    network_mode: host'
            echo '    restart: unless-stopped'
            echo '    environment:'
            case $service in
            execution)
                echo '      HTTP_PORT: "${EXECUTION_PORT:?EXECUTION_PORT required}"'
                printf '      NATS_PASSWORD: %s\n' \
                    '${NATS_EXECUTION_PASSWORD:?NATS_EXECUTION_PASSWORD required}' ;;
            brain)
                echo '      HTTP_PORT: "${BRAIN_PORT:?BRAIN_PORT required}"'
                echo '      NATS_PASSWORD: ${NATS_BRAIN_PASSWORD:?NATS_BRAIN_PASSWORD required}'
                echo '      TITAN_MASTER_PASSWORD: ${TITAN_MASTER_PASSWORD}'
                echo '      TITAN_HANDSHAKE_MS: "${TITAN_HANDSHAKE_MS:-300}"' ;;
            web) echo '      HTTP_PORT: "${WEB_PORT:?WEB_PORT required}"' ;;
            esac
            if [ $service != web ]; then
                echo '      NATS_URL: nats://127.0.0.1:${NATS_PORT:?NATS_PORT required}'
                echo "      NATS_USER: $service"
            fi
            echo '      HMAC_SECRET: ${HMAC_SECRET}'
            echo '      TITAN_SHARED: ${STACK_SHARED}'
            if [ $service = web ]; then
                echo '    healthcheck:'
                echo '      test: ["CMD", "/app/titan-service", "health", "${WEB_PORT}"]'
                printf '      interval: 1s\n      timeout: 3s\n      retries: 3\n'
            fi
            printf '    volumes:\n      - ${STACK_SHARED}:${STACK_SHARED}\n'
        done
    } > "$2"
}

write_env() {
    cat <<END
# never committed
NATS_PORT=$NATS_PORT
EXECUTION_PORT=$EXECUTION_PORT
BRAIN_PORT=$BRAIN_PORT
WEB_PORT=$WEB_PORT
NATS_EXECUTION_PASSWORD=$(cat "$DIR/bus.execution")
NATS_BRAIN_PASSWORD=$(cat "$DIR/bus.brain")
NATS_OPERATOR_PASSWORD=$(cat "$DIR/bus.operator")
TITAN_MASTER_PASSWORD=$(secret)
HMAC_SECRET=$(secret)
STACK_SHARED=$DIR/shared
END
}

write_dockerfile() { # SERVICE
    cat <<END
FROM $REGISTRY/titan-base:1
COPY VERSION /app/version
COPY config/risk_policy.json /app/policy.json
COPY services/$1/faults /app/faults
ENTRYPOINT ["/app/titan-service", "$1"]
END
}

git_as_author() {
    as_owner git -C "$DIR/author" -c user.name=Author -c user.email=author@titan.invalid \
        -c commit.gpgSign=false "$@"
}

record() { # MESSAGE: everything of the work tree
    git_as_author add -A
    git_as_author commit -q --allow-empty -m "$1"
}

make_repository() {
    local service number
    install -d -o "$OWNER_UID" -g "$OWNER_GID" "$DIR/origin.git" "$DIR/author" "$DIR/titan"
    as_owner git init -q --bare -b main "$DIR/origin.git"
    as_owner git init -q -b main "$DIR/author"
    printf '.env*\nstate/\n' > "$DIR/author/.gitignore"
    mkdir -p "$DIR/author/config"
    for service in execution brain web; do
        mkdir -p "$DIR/author/services/$service"
        write_dockerfile $service > "$DIR/author/services/$service/Dockerfile"
        : > "$DIR/author/services/$service/faults"
    done
    write_compose no "$DIR/author/docker-compose.prod.yml"
    echo '{"max_position_usd":50000,"max_leverage":3,"max_daily_loss_usd":2000}' \
        > "$DIR/author/config/risk_policy.json"
    for number in 1 2 3; do
        echo "v$number" > "$DIR/author/VERSION"
        chown -R "$OWNER_UID:$OWNER_GID" "$DIR/author"
        record "Release v$number"
    done
    git_as_author remote add origin "$DIR/origin.git"
    git_as_author push -q origin main
    as_owner git clone -q --no-hardlinks "$DIR/origin.git" "$DIR/titan"
    write_env > "$DIR/titan/.env.prod"
    mkdir "$DIR/titan/state"
    chmod 600 "$DIR/titan/.env.prod"
    chown "$OWNER_UID:$OWNER_GID" "$DIR/titan/.env.prod" "$DIR/titan/state"
}

build() {
    local kit=0
    [ $STORE = classic ] || kit=1
    DOCKER_BUILDKIT=$kit docker build -q "$@" > "$DIR/log/build" 2>&1 \
        || { cat "$DIR/log/build" >&2; fail "an image cannot be built"; }
}
push() {
    docker push "$1" > "$DIR/log/push" 2>&1 \
        || { cat "$DIR/log/push" >&2; fail "$1 cannot be pushed"; }
}

# FROM scratch, one static program. It stays on the target too, where `build:` begins with it.
make_base_image() {
    mkdir -p "$DIR/base"
    cp "$DIR/bin/titan-service" "$DIR/base/"
    printf 'FROM scratch\nCOPY titan-service /app/titan-service\n' > "$DIR/base/Dockerfile"
    build -t "$REGISTRY/titan-base:1" -f "$DIR/base/Dockerfile" "$DIR/base"
    push "$REGISTRY/titan-base:1"
}

# make_images TAG CONTEXT [SERVICE...]: CONTEXT.SERVICE is taken in place of CONTEXT where it is
# there.
make_images() {
    local tag=$1 context=$2 service from name
    shift 2
    [ $# -gt 0 ] || set -- execution brain web
    for service; do
        from=$context
        [ ! -d "$context.$service" ] || from=$context.$service
        name=localhost:$REGISTRY_PORT/titan-$service:$tag
        build -t "$name" -f "$from/services/$service/Dockerfile" "$from"
        push "$name"
        echo "$(tr a-z A-Z <<< $service)_IMAGE=$(docker image inspect --format '{{.Id}}' "$name")"
        docker rmi "$name" >/dev/null
    done
}

# Only what the target had at the beginning stays on it, and the moving tags stand in the registry
# as they stood.
restore_docker_images() {
    local id service
    for service in execution brain web; do
        id=$(cat "$DIR/baseline/image.$service")
        docker tag "$id" "$REGISTRY/titan-$service:latest"
        push "$REGISTRY/titan-$service:latest"
    done
    docker image ls --no-trunc -q | sort -u | grep -vxFf "$DIR/baseline/images" \
        | while read -r id; do docker rmi -f "$id" >/dev/null 2>&1 || true; done
    docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -F .invalid/ \
        | while read -r name; do docker rmi "$name" >/dev/null 2>&1 || true; done
}

policy_text() { # TEXT or @FILE
    case $1 in @*) cat "${1#@}" ;; *) printf '%s\n' "$1" ;; esac
}

commit() {
    load "$1"
    local name=$2 policy= image_policy= execution_policy= brain_policy= tag_only=0 builds=no word \
        service faults=() tree context services=(execution brain web)
    shift 2
    while [ $# -gt 0 ]; do
        word=$1
        shift
        case $word in
        --tag-only) tag_only=1 ;;
        --build) builds=both ;;
        --build-only) builds=only ;;
        --policy) policy=$1; shift ;;
        --image-policy) image_policy=$1; shift ;;
        --execution-policy) execution_policy=$1; shift ;;
        --brain-policy) brain_policy=$1; shift ;;
        --fault)
            case $1 in
            execution:* | brain:* | web:*) faults+=("$1") ;;
            *) faults+=("execution:$1") ;;
            esac
            shift ;;
        *) usage ;;
        esac
    done
    tree=$DIR/author
    context=$DIR/context
    rm -rf "$context" "$context".*
    if [ $tag_only = 1 ]; then
        cp -a "$DIR/author" "$context"
        tree=$context
    fi
    echo "$name" > "$tree/VERSION"
    for service in execution brain web; do : > "$tree/services/$service/faults"; done
    for word in ${faults[@]+"${faults[@]}"}; do echo "${word#*:}" \
        >> "$tree/services/${word%%:*}/faults"; done
    [ -z "$policy" ] || policy_text "$policy" > "$tree/config/risk_policy.json"
    write_compose $builds "$tree/docker-compose.prod.yml"
    [ $tag_only = 1 ] || cp -a "$DIR/author" "$context"
    [ -z "$image_policy" ] || policy_text "$image_policy" > "$context/config/risk_policy.json"
    for word in "execution:$execution_policy" "brain:$brain_policy"; do
        [ -n "${word#*:}" ] || continue
        cp -a "$context" "$context.${word%%:*}"
        policy_text "${word#*:}" > "$context.${word%%:*}/config/risk_policy.json"
    done
    [ $builds = no ] || services=(web)
    make_images latest "$context" "${services[@]}"
    if [ $tag_only = 0 ]; then
        record "Release $name"
        git_as_author push -q origin main
        echo "COMMIT=$(git_as_author rev-parse HEAD)"
    fi
    for service in execution brain; do
        tree=$context
        [ ! -d "$context.$service" ] || tree=$context.$service
        echo "$(tr a-z A-Z <<< $service)_POLICY_HASH=$(sha256sum < "$tree/config/risk_policy.json" \
            | cut -c1-64)"
    done
    rm -rf "$context" "$context".*
}
