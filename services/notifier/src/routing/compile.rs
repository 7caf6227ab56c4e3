//! From the message to the compiled form, with every violation at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

use bellwether_proto::notifier::v1::{self as proto, receiver::Channel as Kind, secret_reference::Source};
use bellwether_resource::Violations;
use reqwest::Url;

use super::{Channel, Matcher, Node, Rate, Receiver, Routing, SecretRef, Webhook, receiver};

const MAX_RECEIVERS: usize = 256;
const MAX_NODES: usize = 256;
const MAX_DEPTH: usize = 16;
const MAX_MATCHERS: usize = 64;
const MAX_SECRETS: usize = 8;
const MAX_URL: usize = 2048;
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);

struct Compiler<'v> {
    violations: &'v mut Violations,
    nodes: usize,
    used: BTreeSet<String>,
}

/// Whether it is right is for the violations to say; what is wrong is left out.
pub(super) fn compile(violations: &mut Violations, source: proto::Routing) -> Routing {
    let mut compiler = Compiler { violations, nodes: 0, used: BTreeSet::new() };
    let receivers = compiler.receivers(&source.receivers);
    let root = compiler.root(source.route.as_ref());
    compiler.cross_check(&source.receivers);
    Routing { source, receivers, root }
}

// === impl Compiler ===

impl Compiler<'_> {
    fn receivers(&mut self, given: &[proto::Receiver]) -> BTreeMap<String, Receiver> {
        let count = given.len();
        self.violations.check(
            (1..=MAX_RECEIVERS).contains(&count),
            "receivers",
            count,
            format!("1 to {MAX_RECEIVERS}"),
        );
        let mut receivers = BTreeMap::new();
        for (index, receiver) in given.iter().enumerate() {
            let path = format!("receivers[{index}]");
            if let Some(compiled) = self.within(&path, |this| this.receiver(receiver)) {
                let is_new = receivers.insert(receiver.name.clone(), compiled).is_none();
                self.violations.check(is_new, &format!("{path}.name"), &receiver.name, "each name once");
            }
        }
        receivers
    }

    /// As [`Violations::within`].
    fn within<T>(&mut self, field: &str, read: impl FnOnce(&mut Compiler<'_>) -> T) -> T {
        let (nodes, used) = (self.nodes, std::mem::take(&mut self.used));
        let (value, nodes, used) = self.violations.within(field, |violations| {
            let mut inner = Compiler { violations, nodes, used };
            let value = read(&mut inner);
            (value, inner.nodes, inner.used)
        });
        (self.nodes, self.used) = (nodes, used);
        value
    }

    fn receiver(&mut self, given: &proto::Receiver) -> Option<Receiver> {
        self.violations.id("name", &given.name);
        let rate = self.within("rate_limit", |this| this.rate(given.rate_limit.as_ref()));
        let channel = match self.violations.required("log or webhook", given.channel.as_ref())? {
            Kind::Log(proto::LogChannel {}) => Channel::Log,
            Kind::Webhook(webhook) => Channel::Webhook(self.within("webhook", |this| this.webhook(webhook))?),
        };
        Some(Receiver { name: given.name.clone(), channel, rate })
    }

    fn webhook(&mut self, given: &proto::WebhookChannel) -> Option<Webhook> {
        let timeout = self.violations.duration("timeout", given.timeout.as_ref(), TIMEOUTS);
        let secrets = self.secrets(&given.signing_secrets);
        match parse_url(&given.url) {
            Ok(url) => Some(Webhook { url, secrets, timeout: timeout.unwrap_or(receiver::TIMEOUT) }),
            // the URL itself may be a secret
            Err(wrong) => {
                self.violations.add("url", wrong, "http or https with a host, without user and password");
                None
            }
        }
    }

    fn rate(&mut self, given: Option<&proto::RateLimit>) -> Rate {
        let Some(given) = given else { return Rate::default() };
        let per_second = given.per_second.unwrap_or(Rate::default().per_second);
        let holds = per_second > 0.0 && per_second <= 1000.0;
        self.violations.check(holds, "per_second", per_second, "above 0, at most 1000");
        let burst = given.burst.map_or((2.0 * per_second).max(1.0), f64::from);
        if given.burst.is_some() {
            self.violations.range("burst", burst, 1.0..=10_000.0);
        }
        Rate { per_second, burst }
    }

    fn secrets(&mut self, given: &[proto::SecretReference]) -> Vec<SecretRef> {
        let count = given.len();
        self.violations.check(
            count <= MAX_SECRETS,
            "signing_secrets",
            count,
            format!("at most {MAX_SECRETS}"),
        );
        let mut secrets = Vec::new();
        for (index, reference) in given.iter().enumerate() {
            match secret(reference) {
                Ok(secret) => secrets.push(secret),
                // what was given may be the secret itself
                Err(allowed) => {
                    self.violations.add(&format!("signing_secrets[{index}]"), "something else", allowed);
                }
            }
        }
        secrets
    }

    fn root(&mut self, given: Option<&proto::Route>) -> Node {
        let Some(route) = self.violations.required("route", given) else { return Node::catch_all("") };
        self.violations.check(
            !route.receiver.is_empty(),
            "route.receiver",
            "nothing",
            "required at the root",
        );
        let catches_all = route.matchers.is_empty() && !route.r#continue;
        self.violations.check(catches_all, "route", "matchers or continue", "neither at the root");
        self.within("route", |this| this.node(route, "", 1))
    }

    fn node(&mut self, given: &proto::Route, inherited: &str, depth: usize) -> Node {
        self.nodes += 1;
        let receiver = if given.receiver.is_empty() { inherited } else { &given.receiver };
        self.used.insert(receiver.to_owned());
        let matchers = self.matchers(&given.matchers);
        let deep = depth == MAX_DEPTH && !given.routes.is_empty();
        self.violations.check(!deep, "routes", "more levels", format!("at most {MAX_DEPTH} levels"));
        let mut children = Vec::new();
        for (index, child) in given.routes.iter().enumerate().filter(|_| !deep) {
            children
                .push(self.within(&format!("routes[{index}]"), |this| this.node(child, receiver, depth + 1)));
        }
        Node { receiver: receiver.to_owned(), matchers, proceed: given.r#continue, children }
    }

    fn matchers(&mut self, given: &[String]) -> Vec<Matcher> {
        let count = given.len();
        self.violations.check(count <= MAX_MATCHERS, "matchers", count, format!("at most {MAX_MATCHERS}"));
        let mut matchers = Vec::new();
        for (index, text) in given.iter().take(MAX_MATCHERS).enumerate() {
            match text.parse::<Matcher>() {
                Ok(matcher) => matchers.push(matcher),
                Err(error) => self.violations.add(&format!("matchers[{index}]"), text, error),
            }
        }
        matchers
    }

    /// What only shows when both parts are known.
    fn cross_check(&mut self, receivers: &[proto::Receiver]) {
        let few = self.nodes <= MAX_NODES;
        self.violations.check(few, "route", self.nodes, format!("at most {MAX_NODES} nodes"));
        let known: BTreeSet<_> = receivers.iter().map(|receiver| receiver.name.clone()).collect();
        for missing in self.used.difference(&known).filter(|name| !name.is_empty()) {
            self.violations.add("route", missing, "names of receivers");
        }
    }
}

fn parse_url(text: &str) -> Result<Url, &'static str> {
    if text.len() > MAX_URL {
        return Err("more than 2048 characters");
    }
    let url: Url = text.parse().map_err(|_| "no URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("another kind of URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with user or password");
    }
    Ok(url)
}

fn secret(given: &proto::SecretReference) -> Result<SecretRef, &'static str> {
    match &given.source {
        Some(Source::Env(name)) if is_variable(name) => Ok(SecretRef::Env(name.clone())),
        Some(Source::Env(_)) => Err("env: the name of a variable, [A-Za-z_][A-Za-z0-9_]{0,127}"),
        Some(Source::File(path)) if path.starts_with('/') => Ok(SecretRef::File(PathBuf::from(path))),
        Some(Source::File(_)) => Err("file: an absolute path"),
        None => Err("env or file"),
    }
}

fn is_variable(text: &str) -> bool {
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && rest && text.len() <= 128
}

#[cfg(test)]
mod tests;
