//! What leaves support, and when: the ends of windows that are open or were. The windows themselves are
//! the file's.

use jiff::civil::Date;

use crate::model::{Api, DefId, EventKind, NodeId, Window};
use crate::query::Namespace;

/// Why a definition leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Another definition took its place.
    Superseded(DefId),
    /// Its name was deprecated in this node.
    Deprecated(NodeId),
}

/// One definition that leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The definition.
    pub id: DefId,
    /// The first day on which it is not served any more; `None` if its window is counted in nodes.
    pub on: Option<Date>,
    /// Its window.
    pub window: Window,
    /// Why.
    pub reason: Reason,
    /// What to use instead, by its name.
    pub instead: Option<String>,
}

impl Api {
    /// Every helper and kfunc that a node's line supersedes or deprecates and does not serve for ever,
    /// those that leave first before others.
    pub fn calendar(&self, node: NodeId) -> Vec<Leaving> {
        let mut found: Vec<Leaving> = Vec::new();
        for id in self.ids() {
            let definition = self.definition(id);
            let window = self.window_of(id);
            let here = self.is_ancestor(definition.node, node);
            let name = definition.name.as_str();
            if definition.kind.prototype().is_none() || !here || window == Window::Forever {
                continue;
            }
            // What is gone has left already.
            if self.gone(Namespace::Callable, name, node).is_some_and(|e| e.node > definition.node)
            {
                continue;
            }
            let (since, reason, instead) = match (
                self.superseded_by(id, node),
                self.deprecation(Namespace::Callable, name, node),
            ) {
                (Some(by), _) => {
                    (self.definition(by).node, Reason::Superseded(by), Some(self.label(by)))
                }
                (None, Some(event)) => match &event.kind {
                    EventKind::Deprecated { instead, .. } if event.node >= definition.node => {
                        (event.node, Reason::Deprecated(event.node), instead.clone())
                    }
                    _ => continue,
                },
                (None, None) => continue,
            };
            let on = window.after(self.node_ref(since).released);
            found.push(Leaving { id, on, window, reason, instead });
        }
        found.sort_by_key(|leaving| (leaving.on.is_none(), leaving.on, leaving.id));
        found
    }
}
