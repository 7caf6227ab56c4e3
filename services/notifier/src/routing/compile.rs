//! From the message to the compiled form, with every violation at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use bellwether_proto::notifier::v1::{self as proto, receiver::Channel as Kind, secret_reference::Source};
use reqwest::Url;

use super::{Channel, Matcher, Node, Rate, Receiver, Routing, SecretRef, Webhook, receiver};

/// Something in a routing that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, e.g. `receivers[0].webhook.url`.
    pub path: String,
    /// What is wrong, and what is allowed.
    pub text: String,
}

const MAX_RECEIVERS: usize = 256;
const MAX_NODES: usize = 256;
const MAX_DEPTH: usize = 16;
const MAX_MATCHERS: usize = 64;
const MAX_SECRETS: usize = 8;
const MAX_URL: usize = 2048;

#[derive(Default)]
struct Compiler {
    violations: Vec<Violation>,
    nodes: usize,
    used: BTreeSet<String>,
}

pub(super) fn compile(source: proto::Routing) -> Result<Routing, Vec<Violation>> {
    let mut compiler = Compiler::default();
    let receivers = compiler.receivers(&source.receivers);
    let root = compiler.root(source.route.as_ref());
    compiler.cross_check(&source.receivers);
    match root {
        Some(root) if compiler.violations.is_empty() => Ok(Routing { source, receivers, root }),
        _ => Err(compiler.violations),
    }
}

// === impl Compiler ===

impl Compiler {
    fn refuse(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.violations.push(Violation { path: path.into(), text: text.into() });
    }

    fn receivers(&mut self, given: &[proto::Receiver]) -> BTreeMap<String, Receiver> {
        if given.is_empty() || given.len() > MAX_RECEIVERS {
            self.refuse("receivers", format!("1 to {MAX_RECEIVERS} receivers are allowed"));
        }
        let mut receivers = BTreeMap::new();
        for (index, receiver) in given.iter().enumerate() {
            let path = format!("receivers[{index}]");
            if !is_name(&receiver.name) {
                self.refuse(format!("{path}.name"), "a name is [a-z][a-z0-9-]{0,62}");
            }
            let Some(compiled) = self.receiver(receiver, &path) else { continue };
            if receivers.insert(receiver.name.clone(), compiled).is_some() {
                self.refuse(format!("{path}.name"), format!("{:?} is there twice", receiver.name));
            }
        }
        receivers
    }

    fn receiver(&mut self, given: &proto::Receiver, path: &str) -> Option<Receiver> {
        let rate = self.rate(given.rate_limit.as_ref(), &format!("{path}.rate_limit"));
        let channel = match &given.channel {
            None => {
                self.refuse(path, "one of log, webhook is required");
                return None;
            }
            Some(Kind::Log(proto::LogChannel {})) => Channel::Log,
            Some(Kind::Webhook(webhook)) => {
                Channel::Webhook(self.webhook(webhook, &format!("{path}.webhook"))?)
            }
        };
        Some(Receiver { name: given.name.clone(), channel, rate })
    }

    fn webhook(&mut self, given: &proto::WebhookChannel, path: &str) -> Option<Webhook> {
        let timeout = self.timeout(given.timeout.as_ref(), &format!("{path}.timeout"));
        let secrets = self.secrets(&given.signing_secrets, &format!("{path}.signing_secrets"));
        match parse_url(&given.url) {
            Ok(url) => Some(Webhook { url, secrets, timeout }),
            Err(text) => {
                self.refuse(format!("{path}.url"), text);
                None
            }
        }
    }

    fn timeout(&mut self, given: Option<&bellwether_proto::Duration>, path: &str) -> Duration {
        let Some(given) = given else { return receiver::TIMEOUT };
        let allowed = Duration::from_secs(1)..=Duration::from_secs(60);
        match Duration::try_from(given.clone()) {
            Ok(timeout) if allowed.contains(&timeout) => timeout,
            _ => {
                self.refuse(path, "1s to 60s are allowed");
                receiver::TIMEOUT
            }
        }
    }

    fn rate(&mut self, given: Option<&proto::RateLimit>, path: &str) -> Rate {
        let Some(given) = given else { return Rate::default() };
        let per_second = given.per_second.unwrap_or(Rate::default().per_second);
        if !(per_second > 0.0 && per_second <= 1000.0) {
            self.refuse(format!("{path}.per_second"), "above 0 and at most 1000 are allowed");
        }
        let burst = given.burst.map_or((2.0 * per_second).max(1.0), f64::from);
        if !(1.0..=10_000.0).contains(&burst) {
            self.refuse(format!("{path}.burst"), "1 to 10000 are allowed");
        }
        Rate { per_second, burst }
    }

    fn secrets(&mut self, given: &[proto::SecretReference], path: &str) -> Vec<SecretRef> {
        if given.len() > MAX_SECRETS {
            self.refuse(path, format!("at most {MAX_SECRETS} keys are allowed"));
        }
        let mut secrets = Vec::new();
        for (index, reference) in given.iter().enumerate() {
            match secret(reference) {
                Ok(secret) => secrets.push(secret),
                Err(text) => self.refuse(format!("{path}[{index}]"), text),
            }
        }
        secrets
    }

    fn root(&mut self, given: Option<&proto::Route>) -> Option<Node> {
        let Some(route) = given else {
            self.refuse("route", "required");
            return None;
        };
        if route.receiver.is_empty() {
            self.refuse("route.receiver", "required at the root");
        }
        if !route.matchers.is_empty() || route.r#continue {
            self.refuse("route", "the root matches everything: no matchers, no continue");
        }
        Some(self.node(route, "", "route", 1))
    }

    fn node(&mut self, given: &proto::Route, inherited: &str, path: &str, depth: usize) -> Node {
        self.nodes += 1;
        let receiver = if given.receiver.is_empty() { inherited } else { &given.receiver };
        self.used.insert(receiver.to_owned());
        let matchers = self.matchers(&given.matchers, path);
        if depth == MAX_DEPTH && !given.routes.is_empty() {
            self.refuse(format!("{path}.routes"), format!("at most {MAX_DEPTH} levels are allowed"));
            return Node { children: vec![], ..Node::catch_all(receiver) };
        }
        let children = given.routes.iter().enumerate();
        let children = children
            .map(|(index, child)| self.node(child, receiver, &format!("{path}.routes[{index}]"), depth + 1))
            .collect();
        Node { receiver: receiver.to_owned(), matchers, proceed: given.r#continue, children }
    }

    fn matchers(&mut self, given: &[String], path: &str) -> Vec<Matcher> {
        if given.len() > MAX_MATCHERS {
            self.refuse(format!("{path}.matchers"), format!("at most {MAX_MATCHERS} are allowed"));
        }
        let mut matchers = Vec::new();
        for (index, text) in given.iter().take(MAX_MATCHERS).enumerate() {
            match text.parse::<Matcher>() {
                Ok(matcher) => matchers.push(matcher),
                Err(error) => self.refuse(format!("{path}.matchers[{index}]"), error.to_string()),
            }
        }
        matchers
    }

    /// What only shows when both parts are known.
    fn cross_check(&mut self, receivers: &[proto::Receiver]) {
        if self.nodes > MAX_NODES {
            self.refuse("route", format!("at most {MAX_NODES} nodes are allowed"));
        }
        let known: BTreeSet<_> = receivers.iter().map(|receiver| receiver.name.clone()).collect();
        let used = std::mem::take(&mut self.used);
        for missing in used.difference(&known).filter(|name| !name.is_empty()) {
            self.refuse("route", format!("there is no receiver {missing:?}"));
        }
    }
}

fn is_name(text: &str) -> bool {
    let rest = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    text.starts_with(|c: char| c.is_ascii_lowercase()) && rest && text.len() <= 63
}

fn parse_url(text: &str) -> Result<Url, &'static str> {
    if text.len() > MAX_URL {
        return Err("at most 2048 characters are allowed");
    }
    let url: Url = text.parse().map_err(|_| "not a URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("http or https with a host is required");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("user and password are not allowed");
    }
    Ok(url)
}

fn secret(given: &proto::SecretReference) -> Result<SecretRef, &'static str> {
    match &given.source {
        Some(Source::Env(name)) if is_variable(name) => Ok(SecretRef::Env(name.clone())),
        Some(Source::Env(_)) => Err("env is a name [A-Za-z_][A-Za-z0-9_]{0,127}, not the secret itself"),
        Some(Source::File(path)) if path.starts_with('/') => Ok(SecretRef::File(PathBuf::from(path))),
        Some(Source::File(_)) => Err("file is an absolute path"),
        None => Err("one of env, file is required"),
    }
}

fn is_variable(text: &str) -> bool {
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && rest && text.len() <= 128
}

#[cfg(test)]
mod tests;
