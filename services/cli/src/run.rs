//! From the command line to an exit code.

use std::process::ExitCode;

use bellwether_client::{ApiError, TransportError};
use bellwether_clock::Env;
use bellwether_server::{StartError, install_crypto_provider};
use clap::Parser as _;
use tonic::{Code, Status};

use crate::{
    agent,
    args::{Cli, Command},
    commands::{
        act, analyze, apply, decide, deliveries, emergency, explain, get, health, init, line, logs, policy,
        power, probe, release, replay, resolve, status, token, watch,
    },
    demo,
    exit::Exit,
    names, render,
    session::Session,
    up, yaml,
};

/// The program.
pub fn main() -> ExitCode {
    install_crypto_provider();
    // these bring their own runtime and telemetry
    if let Some(command) = agent::command() {
        return agent::run(command);
    }
    let cli = Cli::parse();
    let cli = match cli.command {
        Command::Up(args) => return up::main(args),
        command => Cli { command, ..cli },
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(error.into()), &cli.global.server),
    };
    let server = cli.global.server.clone();
    let code = report(runtime.block_on(until_interrupted(cli)), &server);
    runtime.shutdown_background();
    code
}

/// Ctrl-C ends the looking, not what is looked at.
async fn until_interrupted(cli: Cli) -> anyhow::Result<Exit> {
    let follows = matches!(cli.command, Command::Watch(_) | Command::Release(_) | Command::Logs(_));
    tokio::select! {
        ended = run(cli) => ended,
        Ok(()) = tokio::signal::ctrl_c(), if follows => {
            render::note("bellwether: interrupted; what was asked for goes on");
            Ok(Exit::Interrupted)
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let (env, format) = (Env::system(), cli.global.output);
    let session = Session::new(&cli.global, env.clone())?;
    let s = &session;
    match &cli.command {
        Command::Up(_) => Ok(Exit::Usage),
        Command::Down(args) => up::down(args).await,
        Command::Demo(args) => demo::run(env, args).await,
        Command::DemoShop(args) => demo::shop::serve(args.clone()).await.map(|()| Exit::Ok),
        Command::Init(args) => init::run(args),
        Command::Apply(args) => apply::run(s, args).await,
        Command::Get(args) => get::run(s, format, args).await,
        Command::Release(args) => release::run(s, format, args).await,
        Command::Plan(args) => release::plan(s, format, args).await,
        Command::Power(args) => power::run(s, format, args).await,
        Command::Status(args) => status::run(s, format, args).await,
        Command::Watch(args) => watch::run(s, format, args).await,
        Command::Why(args) => status::why(s, format, args).await,
        Command::Explain(args) => explain::run(s, format, args).await,
        Command::Approve(args) => decide::run(s, format, args, true).await,
        Command::Reject(args) => decide::run(s, format, args, false).await,
        Command::Promote(args) => line::promote(s, format, args).await,
        Command::Pause(args) => act::pause(s, format, args).await,
        Command::Resume(args) => act::resume(s, format, args).await,
        Command::Advance(args) => act::advance(s, format, args).await,
        Command::Abort(args) => act::abort(s, format, args).await,
        Command::Rollback(args) => act::rollback(s, format, args).await,
        Command::Resolve(args) => resolve::run(s, format, args).await,
        Command::Cancel(args) => line::cancel(s, format, args).await,
        Command::Hold(args) => line::hold(s, format, args).await,
        Command::Unhold(args) => line::unhold(s, args).await,
        Command::Veto(args) => line::veto(s, args).await,
        Command::Logs(args) => logs::run(s, format, args).await,
        Command::Deliveries(args) => deliveries::run(s, format, args).await,
        Command::Replay(args) => replay::run(s, format, args).await,
        Command::Policy(command) => policy::run(s, format, command).await,
        Command::Analyze(args) => analyze::run(s, format, args).await,
        Command::Probe(command) => probe::run(s, format, command).await,
        Command::Health => health::run(s).await,
        Command::Token(command) => token::run(&env, format, command),
        Command::Emergency(command) => emergency::run(s, format, command).await,
    }
}

/// Prints an error with what to do, and finds its exit code. `server` is what was asked unless a service has its own URL.
fn report(result: anyhow::Result<Exit>, server: &str) -> ExitCode {
    let error = match result {
        Ok(exit) => return exit.into(),
        Err(error) => error,
    };
    if let Some(start) = error.downcast_ref::<StartError>() {
        render::note(&format!("bellwether: {error:#}"));
        return ExitCode::from(start.exit_code());
    }
    if error.is::<names::Unnamed>() || error.is::<names::Unfit>() || error.is::<TransportError>() {
        render::note(&format!("bellwether: {error:#}"));
        return Exit::Invalid.into();
    }
    if error.is::<yaml::Problems>() {
        render::note(&error.to_string());
        return Exit::Invalid.into();
    }
    let api = match error.downcast::<Status>() {
        Ok(status) => ApiError::from(status),
        Err(error) => match error.downcast::<ApiError>() {
            Ok(api) => api,
            Err(error) => {
                render::note(&format!("bellwether: {error:#}"));
                return Exit::Failure.into();
            }
        },
    };
    render::note(&format!("bellwether: {}", render::problem::view(&api)));
    if api.reason == "UNREACHABLE" {
        render::note(&format!("--server is {server}"));
    }
    exit_of(api.code).into()
}

fn exit_of(code: Code) -> Exit {
    match code {
        Code::InvalidArgument | Code::AlreadyExists | Code::OutOfRange => Exit::Invalid,
        Code::NotFound => Exit::NotFound,
        Code::FailedPrecondition | Code::Aborted => Exit::Precondition,
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => Exit::Unavailable,
        Code::Unauthenticated | Code::PermissionDenied => Exit::Permission,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => Exit::Failure,
    }
}
