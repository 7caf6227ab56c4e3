//! `bellwether apply -f`: what files describe, checked as a whole before any of it is sent.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use anyhow::Context as _;
use bellwether_proto::{
    notifier::v1::{ApplyRoutingRequest, Routing},
    planner::v1::{Application, ApplyApplicationRequest, ApplyEnvironmentRequest, Environment},
};
use serde::de::DeserializeOwned;

use crate::{args::ApplyArgs, exit::Exit, render, session::Session, yaml};

/// Something that a document describes.
enum Resource {
    Application(Box<Application>),
    Environment(Box<Environment>),
    Routing(Box<Routing>),
}

/// Applies every document of every file: first the environments, then what stands on them.
///
/// # Errors
/// All problems of a file at once; nothing is applied then. Or what the server says.
pub async fn run(session: &Session, args: &ApplyArgs) -> anyhow::Result<Exit> {
    let mut resources = Vec::new();
    for file in &args.file {
        let described = read(file)?;
        if described.is_empty() {
            let text = "nothing is described here".to_owned();
            let problem = yaml::Problem { line: 1, column: 1, path: String::new(), text };
            return Err(yaml::Problems { file: file.display().to_string(), problems: vec![problem] }.into());
        }
        resources.extend(described);
    }
    let (environments, others): (Vec<_>, Vec<_>) =
        resources.into_iter().partition(|resource| matches!(resource, Resource::Environment(_)));
    for stage in [environments, others] {
        // all of a stage is asked for before any of it is changed: what the server refuses is refused as a whole as well
        for resource in &stage {
            let name = send(session, resource, true).await?;
            if args.dry_run {
                render::line(&format!("{name} is valid"))?;
            }
        }
        for resource in stage.iter().filter(|_| !args.dry_run) {
            let name = send(session, resource, false).await?;
            render::line(&format!("{name} applied"))?;
        }
    }
    Ok(Exit::Ok)
}

fn read(file: &Path) -> anyhow::Result<Vec<Resource>> {
    let name = file.display().to_string();
    let text = if name == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        text
    } else {
        fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?
    };
    let pool = yaml::contracts()?;
    let mut resources = Vec::new();
    for document in yaml::documents(&name, &text)? {
        resources.push(match document.kind.as_str() {
            "Application" => {
                Resource::Application(parse(&name, &document, &pool, "bellwether.planner.v1.Application")?)
            }
            "Environment" => {
                Resource::Environment(parse(&name, &document, &pool, "bellwether.planner.v1.Environment")?)
            }
            "Routing" => Resource::Routing(parse(&name, &document, &pool, "bellwether.notifier.v1.Routing")?),
            other => {
                let text =
                    format!("kind {other:?} is not known; allowed are Application, Environment, Routing");
                let root = &document.root;
                let problem =
                    yaml::Problem { line: root.line, column: root.column, path: "kind".to_owned(), text };
                return Err(yaml::Problems { file: name, problems: vec![problem] }.into());
            }
        });
    }
    Ok(resources)
}

fn parse<M: DeserializeOwned>(
    file: &str,
    document: &yaml::Document,
    pool: &prost_reflect::DescriptorPool,
    message: &str,
) -> anyhow::Result<Box<M>> {
    let descriptor =
        pool.get_message_by_name(message).with_context(|| format!("{message} is not in the contracts"))?;
    let json = yaml::to_json(file, &document.root, &descriptor)?;
    Ok(Box::new(serde_json::from_value(json)?))
}

async fn send(session: &Session, resource: &Resource, validate_only: bool) -> anyhow::Result<String> {
    match resource {
        Resource::Application(application) => {
            let request = ApplyApplicationRequest {
                request_id: String::new(),
                application: Some((**application).clone()),
                validate_only,
            };
            session.planner().apply_application(request).await?;
            Ok(format!("application {}", application.name))
        }
        Resource::Environment(environment) => {
            let request = ApplyEnvironmentRequest {
                request_id: String::new(),
                environment: Some((**environment).clone()),
                validate_only,
            };
            session.planner().apply_environment(request).await?;
            Ok(format!("environment {}", environment.name))
        }
        Resource::Routing(routing) => {
            let request = ApplyRoutingRequest {
                request_id: String::new(),
                routing: Some((**routing).clone()),
                validate_only,
            };
            session.notifier().apply_routing(request).await?;
            Ok("routing".to_owned())
        }
    }
}
