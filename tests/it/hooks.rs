//! Calls to the outside, by HTTP and as commands.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use bellwether_proto::executor::v1::{
    Command, Hook, Rollout, hook::Call, rollout::State, step::Kind, step_status,
};
use bellwether_tests::{
    app::App,
    hooks::Hooks,
    shop::{Release, millis},
    stack::{Setup, Stack},
    wait::until,
};

use super::{
    PROGRAM,
    observe::stable_ids,
    stage::{code, stage_of},
};

/// Writes the process id of what it waits for to the file that it is given, and waits for that.
const LINGERS: &str = "#!/bin/sh\nsleep 600 &\necho $! >\"$1.new\"\nmv \"$1.new\" \"$1\"\nwait\n";

fn http(id: &str, url: String) -> Hook {
    let (id, call) = (id.to_owned(), Some(Call::HttpUrl(url)));
    Hook { id, call, timeout: millis(60_000), ..Default::default() }
}

fn command(id: &str, name: &str, args: &[&str]) -> Hook {
    let args = args.iter().map(|word| (*word).to_owned()).collect();
    let call = Some(Call::Command(Command { name: name.to_owned(), args }));
    Hook { id: id.to_owned(), call, timeout: millis(60_000), ..Default::default() }
}

fn undone_by(hook: Hook, undo: Hook) -> Kind {
    Kind::Hook(Hook { on_undo: Some(Box::new(undo)), ..hook })
}

/// It is taken back before it had any traffic, because of this hook.
async fn taken_back(app: &App<'_>, release: &Release, why: &str) -> Rollout {
    let before = app.target().await.unwrap();
    let name = app.submit(release).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, why), "{ended:#?}");
    let failed: Vec<&str> = ended
        .steps
        .iter()
        .filter(|it| it.state() == step_status::State::Failed)
        .map(|it| it.kind.as_str())
        .collect();
    assert_eq!(failed, ["HOOK"], "{ended:#?}");
    assert_eq!(stable_ids(&app.target().await.unwrap()), stable_ids(&before));
    ended
}

async fn those_that_had_succeeded_are_undone_in_reverse(stack: &Stack) {
    let hooks = Hooks::start().await.unwrap();
    let app = App::serving(stack, "hooked", 1, |_| ()).await.unwrap();
    let works = |id: &str| http(id, hooks.works());
    let steps = [
        undone_by(works("expand"), works("shrink")),
        Kind::Hook(works("announce")),
        undone_by(command("warm", "true", &[]), works("cool")),
        undone_by(http("broken", hooks.fails()), works("never")),
        Kind::Hook(works("later")),
    ];
    let ended = taken_back(&app, &Release::steps("2", steps), "HOOK_FAILED").await;
    let calls = hooks.calls().0;
    let called: Vec<(&str, bool)> = calls.iter().map(|it| (it.hook.as_str(), it.undo)).collect();
    assert_eq!(
        called,
        [("expand", false), ("announce", false), ("broken", false), ("warm", true), ("expand", true)]
    );
    let id = ended.name.trim_start_matches("rollouts/");
    let keys: Vec<&str> = calls.iter().map(|it| it.key.as_str()).collect();
    let expected = ["/0", "/1", "/3", "/2/undo", "/0/undo"].map(|step| format!("{id}{step}"));
    assert_eq!(keys, expected);
}

/// Whether a process is there.
fn lives(id: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains("sleep"))
}

async fn one_that_is_over_its_time_is_cancelled(stack: &Stack) {
    let hooks = Hooks::start().await.unwrap();
    let app = App::serving(stack, "slow", 1, |_| ()).await.unwrap();
    let hasty = |hook| Kind::Hook(Hook { timeout: millis(1_500), ..hook });
    let steps = [undone_by(http("expand", hooks.works()), http("shrink", hooks.works()))];
    let hangs = steps.into_iter().chain([hasty(http("hangs", hooks.hangs()))]);
    taken_back(&app, &Release::steps("2", hangs), "HOOK_TIMEOUT").await;
    until("the call is given up", || async { (hooks.calls().1 == 1).then_some(()) }).await.unwrap();
    let called: Vec<String> = hooks.calls().0.into_iter().map(|it| it.hook).collect();
    assert_eq!(called, ["expand", "hangs", "expand"]);

    let file = app.file("lingering");
    let lingers = command("lingers", "lingers", &[file.to_str().unwrap()]);
    taken_back(&app, &Release::steps("3", [hasty(lingers)]), "HOOK_TIMEOUT").await;
    let process = std::fs::read_to_string(&file).unwrap();
    until("nothing of it is left", || async { (!lives(process.trim())).then_some(()) }).await.unwrap();
}

/// An executor that may call this machine and these programs.
async fn calling(lingers: &PathBuf) -> Stack {
    std::fs::write(lingers, LINGERS).unwrap();
    std::fs::set_permissions(lingers, std::fs::Permissions::from_mode(0o755)).unwrap();
    let lingers = format!("lingers={}", lingers.display());
    let words =
        ["--hook-network", "127.0.0.0/8", "--hook-command", "true=/bin/true", "--hook-command", &lingers];
    let args = words.map(str::to_owned).to_vec();
    stage_of(Setup { args, ..Setup::four(PROGRAM) }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r34_hooks_are_undone_in_reverse_and_cancelled_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let stack = calling(&directory.path().join("lingers")).await;
    tokio::join!(
        those_that_had_succeeded_are_undone_in_reverse(&stack),
        one_that_is_over_its_time_is_cancelled(&stack),
    );
}
