//! `bellwether logs`: the lines that instances wrote.

use bellwether_proto::agent::v1::TailLogsRequest;

use crate::{
    args::LogsArgs,
    exit::Exit,
    names::{self, Reference},
    render::{self, Format},
    session::Session,
};

/// Prints lines, and with `--follow` new ones as they come.
///
/// # Errors
/// When the agent cannot be found or reached.
pub async fn run(session: &Session, format: Format, args: &LogsArgs) -> anyhow::Result<Exit> {
    let target = Reference::target(&args.target)?;
    let request = TailLogsRequest {
        target: target.clone(),
        fleet: names::short(&args.fleet).to_owned(),
        instance: args.instance.clone(),
        lines: Some(args.lines),
        follow: args.follow,
    };
    let mut lines = session.agent_at(&args.agent)?.tail_logs(request).await?.into_inner();
    let mut silent = true;
    while let Some(line) = lines.message().await? {
        silent = false;
        match format {
            Format::Table => {
                render::line(&format!("{} {}", render::style::tail(&line.instance), line.line))?;
            }
            Format::Json | Format::Yaml => render::line(&serde_json::to_string(&line)?)?,
        }
    }
    if silent {
        render::note(&format!("{} has written nothing", args.target));
    }
    Ok(Exit::Ok)
}
