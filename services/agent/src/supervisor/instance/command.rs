//! How an instance's process is started.

use std::{ffi::OsString, path::Path, process::Stdio};

use tokio::process::Command;

use super::{
    log::Log,
    problem::{Problem, ProblemCode},
    record::Record,
};

/// What is passed on of the supervisor's own environment.
const PASSED_ON: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"];
/// By this variable an instance is found whose supervisor died before it wrote the pid down.
pub(super) const INSTANCE: &str = "BELLWETHER_INSTANCE";

/// The command of an instance: in a process group of its own, writing to its log itself, so that it goes on
/// without its supervisor.
pub(super) fn build(record: &Record, artifact: Option<&Path>, log: &Log) -> Result<Command, Problem> {
    let words = words(record, artifact)?;
    let (program, arguments) = words.split_first().ok_or_else(|| nothing_to_run(record))?;
    let start_failed = |error| Problem::new(ProblemCode::StartFailed, &record.fleet, format!("log: {error}"));
    let (out, err) = log.writer().map_err(start_failed)?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    command.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    let port = record.port.to_string();
    command.envs(record.spec.env.iter().map(|(name, value)| (name, value.replace("{port}", &port))));
    command
        .env("PORT", &port)
        .env("HOST", "127.0.0.1")
        .env(INSTANCE, record.id.to_string())
        .env("BELLWETHER_FLEET", &record.fleet)
        .env("BELLWETHER_TARGET", &record.target)
        .env("BELLWETHER_VERSION", &record.spec.version);
    Ok(command)
}

fn words(record: &Record, artifact: Option<&Path>) -> Result<Vec<OsString>, Problem> {
    if record.spec.command.is_empty() {
        return Ok(vec![artifact.ok_or_else(|| nothing_to_run(record))?.into()]);
    }
    let port = record.port.to_string();
    let word = |word: &String| match (word.as_str(), artifact) {
        ("{artifact}", Some(artifact)) => artifact.as_os_str().to_owned(),
        (word, artifact) => {
            let path = artifact.map(Path::to_string_lossy).unwrap_or_default();
            word.replace("{port}", &port).replace("{artifact}", &path).into()
        }
    };
    Ok(record.spec.command.iter().map(word).collect())
}

fn nothing_to_run(record: &Record) -> Problem {
    Problem::new(ProblemCode::StartFailed, &record.fleet, "neither artifact nor command is given".into())
}
