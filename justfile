# Every command a developer runs. `just` without a name lists them.

default:
    @just --list --unsorted

# what the README promises: everything that runs with cargo and a C compiler alone
test:
    cargo test --workspace

# one crate's tests, e.g. `just crate bellwether-rollout`
crate name *args:
    cargo test -p {{name}} {{args}}

# formatting
fmt:
    cargo fmt --all

# what must be clean before a commit
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    .ci/layout

# the contracts: style, and compatibility with what has landed
proto:
    buf lint
    buf breaking --against proto/landed.binpb

# records the contracts as landed; only compatible changes pass `just proto` after that
proto-land:
    buf build --as-file-descriptor-set --exclude-source-info -o proto/landed.binpb

# the demonstration
demo *args:
    cargo run -p bellwether -- demo {{args}}

# a benchmark: rollback, detection, zero-downtime, gateway, journal, rollouts, watchers, resume, idle, anomaly, judge, monitor
bench name *args:
    cargo build --release -p bellwether-tests --bin bench --bin bellwether-under-test
    cargo run --release -p bellwether-tests --bin bench -- {{name}} {{args}}

# records the executor's journals of this version; every later build must read them to the same end
record-journals:
    BELLWETHER_RECORD_JOURNALS=1 cargo test -p bellwether-executor --test it journals::every_story
    cargo test -p bellwether-executor --test it journals::

# the client examples against a real server
clients:
    docs/clients/run

# containers: build them and send a canary through them
docker:
    docker/check

# everything that CI runs
ci:
    .ci/run
