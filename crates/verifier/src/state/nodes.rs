//! Which numbers matter. Each number that is computed is a node with the nodes that it was computed
//! from; when the proof relies on a number (an offset, a size, a branch that is decided), its node
//! and all behind it are marked. A saved state has nodes of its own, so that a mark reaches the saved
//! states on the way to where it matters, and no others.
//!
//! An unmarked number of a finished saved state may be anything: the proof never looked at it.

/// A number that was computed. 0 is one that comes from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Node(u32);

impl Node {
    pub(crate) const NONE: Node = Node(0);
}

const MARK: u32 = 1 << 31;

/// All nodes of a walk.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// The two nodes behind each; the top bit of the first is the mark.
    edges: Vec<[u32; 2]>,
    work: Vec<u32>,
}

impl Nodes {
    pub(crate) fn new() -> Nodes {
        Nodes { edges: vec![[MARK, 0]], work: Vec::new() }
    }

    /// A node that depends on two others.
    pub(crate) fn of(&mut self, a: Node, b: Node) -> Node {
        match (a, b) {
            (a, b) if a == b => a,
            (a, Node::NONE) => a,
            (Node::NONE, b) => b,
            (a, b) => self.push([a.0, b.0]),
        }
    }

    /// A node of its own that depends on another.
    pub(crate) fn fresh(&mut self, of: Node) -> Node {
        self.push([of.0, 0])
    }

    fn push(&mut self, edges: [u32; 2]) -> Node {
        let at = self.edges.len() as u32;
        debug_assert!(at < MARK);
        self.edges.push(edges);
        Node(at)
    }

    /// The proof relies on this number.
    pub(crate) fn mark(&mut self, node: Node) {
        self.work.push(node.0);
        while let Some(at) = self.work.pop() {
            let [a, b] = &mut self.edges[at as usize];
            if *a & MARK != 0 {
                continue;
            }
            self.work.push(*a);
            self.work.push(*b);
            *a |= MARK;
        }
    }

    /// Whether the proof relies on it.
    pub(crate) fn marked(&self, node: Node) -> bool {
        node != Node::NONE && self.edges[node.0 as usize][0] & MARK != 0
    }

    /// Bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.edges.len() * size_of::<[u32; 2]>()
    }

    pub(crate) fn len(&self) -> usize {
        self.edges.len()
    }
}
