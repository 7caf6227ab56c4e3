//! The command line as people and scripts use it.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use bellwether_tests::{
    shop,
    stack::{Stack, free_address},
    wait::until,
};

use super::PROGRAM;

/// Lines that make the file of `init` quick: its defaults are for real life.
const QUICK: &str = "
    strategy: { bake: { min: 500ms, max: 120s }, final_bake: { min: 500ms, max: 120s }, weights_percent: [50, 100] }
    policy: { keep: 600s, drain: 1s, recovery_max: 5s }
    health: { warm_up: 500ms }
";

/// An artifact that is started without arguments, as the file of `init` says.
fn artifact(directory: &Path) -> String {
    let file = directory.join("my-server");
    std::fs::write(&file, format!("#!/bin/sh\nexec {PROGRAM} demo-shop\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file.to_str().unwrap().to_owned()
}

async fn expect(stack: &Stack, code: i32, args: &[&str]) -> String {
    let (got, out, errors) = stack.cli(args).await.unwrap();
    assert_eq!(got, code, "{args:?}: {out}\n{errors}");
    format!("{out}\n{errors}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_init_to_rollback() {
    let stack = Stack::up(PROGRAM).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (front, artifact) = (free_address().unwrap(), artifact(directory.path()));
    let file = directory.path().join("bellwether.yaml");
    let file = file.to_str().unwrap();
    expect(&stack, 0, &["init", "shop", "-f", file]).await;
    let text = std::fs::read_to_string(file).unwrap().replace("127.0.0.1:8080", &front.to_string());
    std::fs::write(file, text.trim_end().to_owned() + QUICK).unwrap();
    expect(&stack, 0, &["apply", "-f", file, "--dry-run"]).await;
    expect(&stack, 4, &["status", "shop"]).await;
    expect(&stack, 0, &["apply", "-f", file]).await;

    let release = |version: &'static str| {
        vec!["release", "shop", "--version", version, "--artifact", &artifact, "--wait"]
    };
    let load = shop::load(&stack, front, 150);
    expect(&stack, 0, &release("1.0.0")).await;
    let served = expect(&stack, 0, &["status"]).await;
    assert!(served.contains("TRAFFIC IS SAFE"), "{served}");
    drop(load);
    let load = shop::load(&stack, front, 150);
    expect(&stack, 0, &release("1.0.1")).await;
    let bad = [release("1.0.2"), vec!["--set", "SHOP_ERRORS_PERCENT=30"]].concat();
    expect(&stack, 30, &bad).await;
    let why = expect(&stack, 0, &["why", "shop@development"]).await;
    assert!(why.contains("rolled back") || why.contains("ROLLED_BACK"), "{why}");
    assert!(why.contains("VERDICT_FAIL"), "{why}");
    assert!(why.contains("failed more than expected ("), "{why}");
    let told = expect(&stack, 30, &["watch", "shop", "-o", "json", "--until-end"]).await;
    let values: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(&told).into_iter().map_while(Result::ok).collect();
    assert!(!values.is_empty(), "{told}");
    let ended = expect(&stack, 5, &["abort", "shop@development", "-m", "too late"]).await;
    assert!(ended.contains("bellwether:"), "{ended}");
    let tally = load.tally();
    assert_eq!(tally.failed, 0, "{:?}", tally.failures);

    // 1.0.2 is over; 1.0.1 serves, and is taken back to 1.0.0, which is kept
    let status = expect(&stack, 0, &["-o", "json", "status", "shop@development"]).await;
    assert!(status.contains("1.0.1"), "{status}");
    let rollouts = expect(&stack, 0, &["-o", "json", "get", "rollouts"]).await;
    assert!(rollouts.contains("shop@development-3"), "{rollouts}");
    expect(&stack, 0, &["rollback", "shop@development-2", "-m", "nobody likes it"]).await;
    let back = until("1.0.0 serves again", || async {
        let (_, out, _) = stack.cli(&["-o", "json", "status", "shop@development"]).await.ok()?;
        let target: serde_json::Value = serde_json::from_str(&out).ok()?;
        (target.pointer("/stable/spec/version")?.as_str()? == "1.0.0").then_some(())
    });
    back.await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_has_its_exit_code_and_its_words() {
    let stack = Stack::up_with(PROGRAM, &["--fake", "--no-agent"], &[]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    expect(&stack, 2, &["release"]).await;
    let missing = expect(&stack, 4, &["status", "nobody@nowhere"]).await;
    assert!(missing.contains("nobody@nowhere"), "{missing}");
    let file = directory.path().join("wrong.yaml");
    std::fs::write(
        &file,
        "name: shop\nenvironments:\n  test:\n    instances: many\n    lisen: 127.0.0.1:1\n",
    )
    .unwrap();
    let wrong = expect(&stack, 3, &["apply", "-f", file.to_str().unwrap()]).await;
    for part in ["wrong.yaml:4", "wrong.yaml:5", "lisen", "many"] {
        assert!(wrong.contains(part), "{part} in {wrong}");
    }
    let nobody = format!("http://{}", free_address().unwrap());
    let (code, _, errors) = stack.cli(&["--server", &nobody, "status"]).await.unwrap();
    assert_eq!(code, 2, "an option that is given twice: {errors}");
    let output = std::process::Command::new(PROGRAM).args(["--server", &nobody, "status"]).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn what_is_typed_wrong_is_refused_with_code_3_and_what_is_not_now_with_5() {
    let stack = Stack::up_with(PROGRAM, &["--fake", "--no-agent"], &[]).await.unwrap();
    shop::apply(&stack, "shop", 1, free_address().unwrap()).await.unwrap();
    let nothing = expect(&stack, 0, &["status"]).await;
    assert!(nothing.contains("nothing is released yet; `bellwether release shop"), "{nothing}");
    let unreleased = expect(&stack, 4, &["status", "shop"]).await;
    assert!(unreleased.contains("shop has no release yet; `bellwether release shop"), "{unreleased}");
    let unknown = expect(&stack, 4, &["status", "blog"]).await;
    assert!(unknown.contains("there is no application \"blog\""), "{unknown}");
    for wrong in [
        &["logs", "shop"][..],
        &["apply", "-f", "/no/such/file.yaml"],
        &["release", "shop", "--version", "1", "--artifact", "/no/such/file"],
        &["release", "shop", "--version", "1", "--set", "NOTHING"],
        &["resolve", "shop", "hand-back"],
    ] {
        expect(&stack, 3, wrong).await;
    }
    let output =
        std::process::Command::new(PROGRAM).args(["--server", "nonsense", "status"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let name = shop::submit(&stack, "shop", &shop::Release::unjudged("1")).await.unwrap();
    let not_now = expect(&stack, 5, &["approve", "shop"]).await;
    assert!(not_now.contains("waits for no approval"), "{not_now}");
    let started = until("its rollout", || async {
        let (_, out, _) = stack.cli(&["status", "shop"]).await.ok()?;
        out.contains("bellwether pause").then_some(())
    });
    started.await.unwrap();
    let not_paused = expect(&stack, 5, &["resume", &name]).await;
    assert_eq!(not_paused.matches("has not paused it").count(), 1, "each sentence once: {not_paused}");
    let table =
        expect(&stack, 0, &["power", "--rps", "12", "--share", "10", "--baseline", "1%", "--effect", "2x"]);
    let table = table.await;
    assert!(table.contains("when 2 % errors FAIL") && table.contains("10 %"), "{table}");
}

#[tokio::test]
async fn ctrl_c_ends_the_looking_and_not_what_is_looked_at() {
    use std::{io::Read as _, process::Stdio};
    let stack = Stack::up_with(PROGRAM, &["--fake", "--no-agent"], &[]).await.unwrap();
    shop::apply(&stack, "shop", 1, free_address().unwrap()).await.unwrap();
    let name = shop::submit(&stack, "shop", &shop::Release::unjudged("1")).await.unwrap();
    let mut watching = std::process::Command::new(PROGRAM)
        .args(["--server", &format!("http://{}", stack.listen()), "watch", &name])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    watching.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let pid = rustix::process::Pid::from_child(&watching);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = watching.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("what was asked for goes on"), "{errors}");
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(!seen.contains('\u{1b}'), "no colours where nobody sees them: {seen}");
    let status = expect(&stack, 0, &["status", &name]).await;
    assert!(!status.contains("CANCELLED") && !status.contains("ROLLED_BACK"), "{status}");
}

/// `up` with these arguments, which does not start.
fn refused(data_dir: &Path, listen: &str) -> (i32, String) {
    let output = std::process::Command::new(PROGRAM)
        .args(["up", "--fake", "--no-agent", "--listen", listen, "--data-dir"])
        .arg(data_dir)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn what_does_not_start_says_why_and_damages_nothing() {
    let mut stack = Stack::up_with(PROGRAM, &["--fake", "--no-agent"], &[]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();

    let (code, text) = refused(directory.path(), &stack.listen().to_string());
    assert_eq!(code, 10, "the address is in use: {text}");
    assert!(text.contains(&stack.listen().to_string()), "{text}");

    let (code, text) = refused(&stack.data_dir(), "127.0.0.1:0");
    assert_eq!(code, 14, "another process has the data: {text}");

    let file = directory.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let (code, text) = refused(&file, "127.0.0.1:0");
    assert_eq!(code, 12, "no directory: {text}");
    assert!(text.contains("a-file"), "{text}");

    shop::apply(&stack, "shop", 1, free_address().unwrap()).await.unwrap();
    stack.process().stop().unwrap();
    let journal = stack.data_dir().join("executor.db");
    let before = std::fs::read(&journal).unwrap();
    let mut newer = before.clone();
    // the file's header: the schema's version is the big-endian word at 60
    newer[60..64].copy_from_slice(&4711_u32.to_be_bytes());
    std::fs::write(&journal, &newer).unwrap();
    let (code, text) = refused(&stack.data_dir(), "127.0.0.1:0");
    assert_eq!(code, 13, "a newer schema: {text}");
    assert!(text.contains("4711"), "{text}");
    assert_eq!(std::fs::read(&journal).unwrap(), newer, "and nothing was touched");
    std::fs::write(&journal, &before).unwrap();
    stack.up_again().await.unwrap();
}
