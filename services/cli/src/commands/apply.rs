//! `bellwether apply -f`: what files describe, checked as a whole before any of it is sent.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use anyhow::Context as _;
use bellwether_proto::{
    monitor::v1::{ApplyProbeRequest, Probe},
    notifier::v1::{ApplyRoutingRequest, Routing},
    planner::v1::{Application, ApplyApplicationRequest, ApplyEnvironmentRequest, Environment},
};
use prost_reflect::DescriptorPool;
use serde::de::DeserializeOwned;
use tonic::Status;

use crate::{args::ApplyArgs, exit::Exit, names::Unfit, render, session::Session, yaml};

/// Something that a document describes.
enum Resource {
    Application(Box<Application>),
    Environment(Box<Environment>),
    Probe(Box<Probe>),
    Routing(Box<Routing>),
}

/// A document, and where it stands.
struct Described {
    resource: Resource,
    file: String,
    root: yaml::Node,
}

/// Applies every document of every file: first the environments, then what stands on them.
///
/// # Errors
/// All problems of all files at once; nothing is applied then. Or what the server says.
pub async fn run(session: &Session, args: &ApplyArgs) -> anyhow::Result<Exit> {
    let pool = yaml::contracts()?;
    let (mut described, mut wrong) = (Vec::new(), Vec::new());
    for file in &args.file {
        let (name, text) = text_of(file)?;
        match read(&name, &text, &pool) {
            Ok(documents) => described.extend(documents),
            Err(problems) => wrong.push(problems),
        }
    }
    refuse(wrong)?;
    let (environments, others): (Vec<_>, Vec<_>) =
        described.into_iter().partition(|it| matches!(it.resource, Resource::Environment(_)));
    for stage in [environments, others] {
        // all of a stage is asked for before any of it is changed: what the server refuses is refused as a whole as well
        let mut wrong = Vec::new();
        for Described { resource, file, root } in &stage {
            match send(session, resource, true).await {
                Ok(name) if args.dry_run => render::line(&format!("{name} is valid"))?,
                Ok(_) => {}
                Err(status) => match yaml::Problems::of_server(file, root, &(*status).clone().into()) {
                    Some(problems) => wrong.push(problems),
                    None => return Err((*status).into()),
                },
            }
        }
        refuse(wrong)?;
        for Described { resource, .. } in stage.iter().filter(|_| !args.dry_run) {
            let name = send(session, resource, false).await.map_err(|status| *status)?;
            render::line(&format!("{name} applied"))?;
        }
    }
    Ok(Exit::Ok)
}

/// Says everything that is wrong.
fn refuse(mut wrong: Vec<yaml::Problems>) -> anyhow::Result<()> {
    let Some(last) = wrong.pop() else { return Ok(()) };
    wrong.iter().for_each(|problems| render::note(&problems.to_string()));
    Err(last.into())
}

/// A file's name and what stands in it.
fn text_of(file: &Path) -> anyhow::Result<(String, String)> {
    let name = file.display().to_string();
    if name == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok((name, text));
    }
    match fs::read_to_string(file) {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(Unfit(format!("cannot read {name}: {error}")).into()),
    }
}

/// Every document, or every problem of every document.
fn read(file: &str, text: &str, pool: &DescriptorPool) -> Result<Vec<Described>, yaml::Problems> {
    let (mut described, mut problems) = (Vec::new(), Vec::new());
    for document in yaml::documents(file, text)? {
        match resource(file, &document, pool) {
            Ok(resource) => {
                described.push(Described { resource, file: file.to_owned(), root: document.root })
            }
            Err(wrong) => problems.extend(wrong.problems),
        }
    }
    if described.is_empty() && problems.is_empty() {
        let text = "nothing is described here".to_owned();
        problems.push(yaml::Problem { line: 1, column: 1, path: String::new(), text });
    }
    if problems.is_empty() { Ok(described) } else { Err(yaml::Problems { file: file.to_owned(), problems }) }
}

fn resource(
    file: &str,
    document: &yaml::Document,
    pool: &DescriptorPool,
) -> Result<Resource, yaml::Problems> {
    match document.kind.as_str() {
        "Application" => {
            parse(file, document, pool, "bellwether.planner.v1.Application").map(Resource::Application)
        }
        "Environment" => {
            parse(file, document, pool, "bellwether.planner.v1.Environment").map(Resource::Environment)
        }
        "Probe" => parse(file, document, pool, "bellwether.monitor.v1.Probe").map(Resource::Probe),
        "Routing" => parse(file, document, pool, "bellwether.notifier.v1.Routing").map(Resource::Routing),
        other => {
            let text =
                format!("kind {other:?} is not known; allowed are Application, Environment, Probe, Routing");
            Err(problem(file, &document.root, "kind", text))
        }
    }
}

fn parse<M: DeserializeOwned>(
    file: &str,
    document: &yaml::Document,
    pool: &DescriptorPool,
    message: &str,
) -> Result<Box<M>, yaml::Problems> {
    let root = &document.root;
    let descriptor = pool
        .get_message_by_name(message)
        .ok_or_else(|| problem(file, root, "", format!("{message} is not in the contracts")))?;
    let json = yaml::to_json(file, root, &descriptor)?;
    serde_json::from_value(json).map(Box::new).map_err(|error| problem(file, root, "", error.to_string()))
}

fn problem(file: &str, root: &yaml::Node, path: &str, text: String) -> yaml::Problems {
    let problem = yaml::Problem { line: root.line, column: root.column, path: path.to_owned(), text };
    yaml::Problems { file: file.to_owned(), problems: vec![problem] }
}

async fn send(session: &Session, resource: &Resource, validate_only: bool) -> Result<String, Box<Status>> {
    match resource {
        Resource::Application(application) => {
            let request = ApplyApplicationRequest {
                request_id: String::new(),
                application: Some((**application).clone()),
                validate_only,
            };
            session.planner().apply_application(request).await.map_err(Box::new)?;
            Ok(format!("application {}", application.name))
        }
        Resource::Environment(environment) => {
            let request = ApplyEnvironmentRequest {
                request_id: String::new(),
                environment: Some((**environment).clone()),
                validate_only,
            };
            session.planner().apply_environment(request).await.map_err(Box::new)?;
            Ok(format!("environment {}", environment.name))
        }
        Resource::Probe(probe) => {
            let request = ApplyProbeRequest {
                request_id: String::new(),
                probe: Some((**probe).clone()),
                validate_only,
            };
            session.monitor().apply_probe(request).await.map_err(Box::new)?;
            Ok(format!("probe {}", probe.name))
        }
        Resource::Routing(routing) => {
            let request = ApplyRoutingRequest {
                request_id: String::new(),
                routing: Some((**routing).clone()),
                validate_only,
            };
            session.notifier().apply_routing(request).await.map_err(Box::new)?;
            Ok("routing".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_client::ApiError;
    use tonic::Code;
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    const FILE: &str = "name: shop
environments:
  development:
    instances: -3
    strategy: { weightsPercent: [50, 10] }
---
kind: Environment
name: production
soak: forever
---
kind: Thing
";

    #[test]
    fn every_document_is_looked_at_before_anything_is_said() {
        let Err(problems) = read("shop.yaml", FILE, &yaml::contracts().unwrap()) else { panic!() };
        let lines: Vec<_> = problems.problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [9, 11], "{problems}");
        let Err(nothing) = read("empty.yaml", "# nothing\n", &yaml::contracts().unwrap()) else { panic!() };
        assert!(nothing.to_string().contains("nothing is described here"));
    }

    #[test]
    fn the_probes_of_the_documentation_are_read() {
        let pool = yaml::contracts().unwrap();
        let pages = [
            include_str!("../../../../docs/concepts/sources.md"),
            include_str!("../../../../docs/guide/application.md"),
        ];
        for page in pages {
            let examples = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
            let probe = examples.into_iter().find(|text| text.starts_with("kind: Probe")).unwrap();
            let described = read("probe.yaml", probe, &pool).unwrap();
            let Resource::Probe(probe) = &described[0].resource else { panic!() };
            assert_eq!((probe.name.as_str(), probe.application.as_str()), ("checkout", "shop"));
        }
    }

    #[test]
    fn what_the_server_refuses_is_shown_where_it_stands() {
        let document = yaml::documents("shop.yaml", FILE).unwrap().remove(0);
        let mut details = ErrorDetails::new();
        for (path, text) in [
            ("application.environments.development.instances", "given -3; allowed: 0 to 10000"),
            ("application.environments.development.strategy.weights_percent[1]", "given 10; allowed: more"),
            ("application.environments.development.listen", "given nothing; allowed: an address"),
        ] {
            details.add_bad_request_violation(path, text);
        }
        let error = ApiError::from(Status::with_error_details(Code::InvalidArgument, "no", details));
        let problems = yaml::Problems::of_server("shop.yaml", &document.root, &error).unwrap();
        let places: Vec<_> = problems.problems.iter().map(|it| (it.line, it.column)).collect();
        assert_eq!(places, [(4, 16), (5, 38), (4, 5)], "{problems}");
        assert!(problems.to_string().contains("shop.yaml:4:16 environments.development.instances: given -3"));
    }
}
