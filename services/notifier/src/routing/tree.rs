//! The tree of routes, with Alertmanager's semantics (`dispatch/route.go`, `Route.Match`).

use super::{Labels, Matcher};

/// A node of the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// Who gets what ends here.
    pub receiver: String,
    /// All must hold.
    pub matchers: Vec<Matcher>,
    /// The next siblings are asked too.
    pub proceed: bool,
    /// In order.
    pub children: Vec<Node>,
}

/// A receiver and how it was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The receiver's name.
    pub receiver: String,
    /// Index among the children of each node on the way; empty for the root.
    pub path: Vec<usize>,
}

// === impl Node ===

impl Node {
    /// A root without children.
    pub fn catch_all(receiver: &str) -> Self {
        Self { receiver: receiver.to_owned(), matchers: vec![], proceed: false, children: vec![] }
    }

    /// The receivers that a message with these labels reaches from here, each once.
    pub(super) fn route(&self, labels: &Labels) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.collect(labels, &mut Vec::new(), &mut hits);
        hits
    }

    /// Whether this node took the message.
    fn collect(&self, labels: &Labels, path: &mut Vec<usize>, hits: &mut Vec<Hit>) -> bool {
        if !self.matchers.iter().all(|matcher| matcher.holds(labels)) {
            return false;
        }
        let mut taken = false;
        for (index, child) in self.children.iter().enumerate() {
            path.push(index);
            let took = child.collect(labels, path, hits);
            path.pop();
            taken |= took;
            if took && !child.proceed {
                break;
            }
        }
        if !taken && !hits.iter().any(|hit| hit.receiver == self.receiver) {
            hits.push(Hit { receiver: self.receiver.clone(), path: path.clone() });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(receiver: &str, matcher: &str, proceed: bool, children: Vec<Node>) -> Node {
        let matchers = vec![matcher.parse().unwrap()];
        Node { receiver: receiver.to_owned(), matchers, proceed, children }
    }

    fn receivers(root: &Node, labels: &[(&str, &str)]) -> Vec<(String, Vec<usize>)> {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        root.route(&labels).into_iter().map(|hit| (hit.receiver, hit.path)).collect()
    }

    fn tree() -> Node {
        let mut root = Node::catch_all("default");
        root.children = vec![
            node("audit", "environment=production", true, vec![]),
            node("ops", "severity=critical", false, vec![node("payments", "application=pay", false, vec![])]),
            node("late", "severity=~.+", false, vec![]),
        ];
        root
    }

    #[test]
    fn no_child_matches_so_the_node_itself_gets_it() {
        assert_eq!(receivers(&tree(), &[]), [("default".into(), vec![])]);
        assert_eq!(receivers(&tree(), &[("severity", "critical")]), [("ops".into(), vec![1])]);
    }

    #[test]
    fn the_first_match_wins_unless_it_continues() {
        let labels = [("environment", "production"), ("severity", "critical"), ("application", "pay")];
        assert_eq!(receivers(&tree(), &labels), [("audit".into(), vec![0]), ("payments".into(), vec![1, 0])]);
    }

    #[test]
    fn a_continuing_match_alone_keeps_it_from_the_parent() {
        assert_eq!(receivers(&tree(), &[("environment", "production")]), [("audit".into(), vec![0])]);
    }

    #[test]
    fn a_receiver_that_is_reached_twice_gets_it_once() {
        let mut root = Node::catch_all("default");
        root.children = vec![node("ops", "a=1", true, vec![]), node("ops", "b=2", false, vec![])];
        assert_eq!(receivers(&root, &[("a", "1"), ("b", "2")]), [("ops".into(), vec![0])]);
    }
}
