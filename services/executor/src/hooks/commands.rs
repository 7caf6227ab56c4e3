//! Command hooks: programs from an allow-list, without a shell.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, str::FromStr, sync::Arc, time::Duration};

use bellwether_rollout::Outcome;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
};

use super::{OUTPUT, Subject, text};

/// The programs that hooks may name, and as whom they run.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    programs: Arc<BTreeMap<String, PathBuf>>,
    run_as: Option<RunAs>,
}

/// A program that hooks may name: `NAME=/absolute/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedCommand {
    /// How hooks name it.
    pub name: String,
    /// What is run.
    pub program: PathBuf,
}

/// A user: `UID:GID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunAs {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

/// What a command has started in turn, ended with it when it is given up.
struct Group(Option<Pid>);

// === impl AllowList ===

impl AllowList {
    /// These programs, as this user; none: as the executor's own.
    pub fn new(commands: impl IntoIterator<Item = AllowedCommand>, run_as: Option<RunAs>) -> Self {
        let programs = commands.into_iter().map(|it| (it.name, it.program)).collect();
        Self { programs: Arc::new(programs), run_as }
    }

    /// The names that hooks may use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.programs.keys().map(String::as_str)
    }
}

// === impl Group ===

impl Group {
    /// Of a command that leads a group of its own.
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// The command has ended by itself: what it leaves behind is meant to stay.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // it may be gone already
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

// === impl AllowedCommand ===

impl FromStr for AllowedCommand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, program) = text.split_once('=').ok_or("expected NAME=/absolute/path")?;
        if name.is_empty() || !program.starts_with('/') {
            return Err("expected NAME=/absolute/path".into());
        }
        Ok(Self { name: name.to_owned(), program: program.into() })
    }
}

// === impl RunAs ===

impl FromStr for RunAs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(':').and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)));
        let (uid, gid) = parsed.ok_or("expected UID:GID, both numbers")?;
        Ok(Self { uid, gid })
    }
}

/// Runs the program to its end; exit code 0 is success.
pub(super) async fn run(list: &AllowList, argv: &[String], timeout: Duration, subject: &Subject) -> Outcome {
    let Some((name, args)) = argv.split_first() else {
        return Outcome::Failed { error: "no command is named".into() };
    };
    let Some(program) = list.programs.get(name) else {
        return Outcome::Failed { error: format!("{name} is not in the executor's list of commands") };
    };
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("BELLWETHER_IDEMPOTENCY_KEY", &subject.idempotency_key)
        .env("BELLWETHER_ROLLOUT", &subject.rollout)
        .env("BELLWETHER_TARGET", &subject.target)
        .env("BELLWETHER_VERSION", &subject.version)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(user) = list.run_as {
        command.uid(user.uid).gid(user.gid);
    }
    tokio::time::timeout(timeout, finished(command)).await.unwrap_or(Outcome::TimedOut)
}

async fn finished(mut command: Command) -> Outcome {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::Failed { error: error.to_string() },
    };
    let group = Group::of(&child);
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // the rest is read and dropped, so that the program never waits for a reader
        let mut kept = stdout.take(OUTPUT as u64);
        let read = kept.read_to_end(&mut output).await;
        let mut rest = kept.into_inner();
        let drained = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
        if let Err(error) = read.and(drained.map(|_| 0)) {
            tracing::warn!(%error, "a hook's output could not be read to its end");
        }
    }
    let ended = child.wait().await;
    group.leave();
    match ended {
        Ok(status) if status.success() => Outcome::Done { output: text(&output) },
        Ok(status) => Outcome::Failed { error: format!("{status}: {}", text(&output)) },
        Err(error) => Outcome::Unknown { error: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject {
            rollout: "rollouts/1".into(),
            target: "targets/shop@test".into(),
            hook: "migrate".into(),
            version: "2".into(),
            attempt: 1,
            undo: false,
            idempotency_key: "1/2".into(),
        }
    }

    fn list() -> AllowList {
        AllowList::new(["echo=/bin/echo".parse().unwrap(), "sleep=/bin/sleep".parse().unwrap()], None)
    }

    async fn outcome(argv: &[&str], timeout: Duration) -> Outcome {
        let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
        run(&list(), &argv, timeout, &subject()).await
    }

    #[tokio::test]
    async fn a_listed_program_runs_without_a_shell() {
        let done = outcome(&["echo", "$HOME; ls"], Duration::from_secs(5)).await;
        assert_eq!(done, Outcome::Done { output: "$HOME; ls".into() });
    }

    #[tokio::test]
    async fn what_is_not_listed_fails() {
        assert!(matches!(outcome(&["rm", "-rf"], Duration::from_secs(5)).await, Outcome::Failed { .. }));
        assert!(matches!(outcome(&[], Duration::from_secs(5)).await, Outcome::Failed { .. }));
    }

    #[tokio::test]
    async fn a_program_over_its_time_is_killed() {
        assert_eq!(outcome(&["sleep", "60"], Duration::from_millis(50)).await, Outcome::TimedOut);
    }
}
