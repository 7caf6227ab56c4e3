//! Deployments: an environment's own settings over the application's defaults.

use std::collections::HashMap;

use bellwether_proto::{executor::v1::Ingress, planner::v1 as pb};

/// The deployment of one environment with the application's defaults. Maps are merged, everything else is replaced.
pub(crate) fn merged(defaults: Option<&pb::Deployment>, own: &pb::Deployment) -> pb::Deployment {
    let Some(base) = defaults else { return own.clone() };
    let (base, own) = (base.clone(), own.clone());
    pb::Deployment {
        instances: if own.instances == 0 { base.instances } else { own.instances },
        command: list(base.command, own.command),
        listen: text(base.listen, own.listen),
        ingress: list(base.ingress, own.ingress),
        preview: own.preview.or(base.preview),
        env: map(base.env, own.env),
        ready: own.ready.or(base.ready),
        live: own.live.or(base.live),
        stop_grace: own.stop_grace.or(base.stop_grace),
        resources: own.resources.or(base.resources),
        platform: text(base.platform, own.platform),
        router: text(base.router, own.router),
        strategy: own.strategy.or(base.strategy),
        policy: own.policy.or(base.policy),
        health: own.health.or(base.health),
    }
}

/// Every address that users reach it at: `listen` first, unless an ingress says more about it.
pub(super) fn ingress(deployment: &pb::Deployment) -> Vec<Ingress> {
    let listen = &deployment.listen;
    let known = deployment.ingress.iter().any(|ingress| ingress.listen == *listen);
    let short = (!listen.is_empty() && !known).then_some(listen);
    let short = short.map(|listen| Ingress { listen: listen.clone(), ..Ingress::default() });
    short.into_iter().chain(deployment.ingress.iter().cloned()).collect()
}

fn text(base: String, own: String) -> String {
    if own.is_empty() { base } else { own }
}

fn list<T>(base: Vec<T>, own: Vec<T>) -> Vec<T> {
    if own.is_empty() { base } else { own }
}

fn map(mut base: HashMap<String, String>, own: HashMap<String, String>) -> HashMap<String, String> {
    base.extend(own);
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(instances: i32, env: &[(&str, &str)], command: &[&str]) -> pb::Deployment {
        pb::Deployment {
            instances,
            env: env.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            ..pb::Deployment::default()
        }
    }

    #[test]
    fn the_environment_wins_and_maps_are_merged() {
        let base = deployment(2, &[("A", "1"), ("B", "1")], &["shop"]);
        let own = deployment(0, &[("B", "2")], &[]);
        assert_eq!(merged(Some(&base), &own), deployment(2, &[("A", "1"), ("B", "2")], &["shop"]));
        assert_eq!(merged(Some(&base), &deployment(4, &[], &["x"])).command, ["x"]);
        assert_eq!(merged(None, &own), own);
    }

    #[test]
    fn listen_is_short_for_an_ingress() {
        let mut short = deployment(1, &[], &[]);
        short.listen = "127.0.0.1:80".into();
        short.ingress = vec![Ingress { host: "shop".into(), ..Ingress::default() }];
        let hosts: Vec<_> = ingress(&short).into_iter().map(|i| (i.listen, i.host)).collect();
        assert_eq!(hosts, [("127.0.0.1:80".into(), String::new()), (String::new(), "shop".to_owned())]);
        short.ingress[0].listen = "127.0.0.1:80".into();
        assert_eq!(ingress(&short).len(), 1, "the longer form says more");
    }
}
