//! Where a grammar's tree goes on from each of its nodes, as small tables.
//!
//! What follows a word or sign is one look-up: all nodes share one array of cells. A node's cells
//! are spread over it, from a place of its own on, wherever no other node's are; each says whose it
//! is.

use crate::grammar::{Literal, Node, NodeId};
use crate::token::Sign;

/// The cell of a literal, counted from its node's place.
#[inline]
fn column(literal: Literal) -> usize {
    match literal {
        Literal::Sign(sign) => sign as usize,
        Literal::Word(word) => Sign::COUNT + usize::from(word),
    }
}

/// No node: more than any tree has.
const NOBODY: NodeId = NodeId::MAX;

#[derive(Debug, Clone, Copy)]
struct Cell {
    node: NodeId,
    next: NodeId,
}

/// What follows operands, and where the cells are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    pub(crate) register: Option<NodeId>,
    pub(crate) half: Option<NodeId>,
    pub(crate) expression: Option<NodeId>,
    pub(crate) offset: Option<NodeId>,
    place: u32,
}

/// The steps from all nodes.
#[derive(Debug)]
pub(crate) struct Steps {
    branches: Box<[Branch]>,
    cells: Box<[Cell]>,
}

impl Steps {
    pub(crate) fn new(nodes: &[Node]) -> Steps {
        assert!(nodes.len() < usize::from(NOBODY), "nodes are numbered by 16 bits");
        const FREE: Cell = Cell { node: NOBODY, next: NOBODY };
        let mut cells: Vec<Cell> = Vec::new();
        let branches = (0..).zip(nodes).map(|(id, node)| {
            let is_free = |at| cells.get(at).is_none_or(|cell: &Cell| cell.node == NOBODY);
            let place = (0..)
                .find(|place| node.literals.iter().all(|(key, _)| is_free(place + column(*key))))
                .expect("behind the last cell all are free");
            for (literal, next) in &node.literals {
                let at = place + column(*literal);
                cells.resize(cells.len().max(at + 1), FREE);
                cells[at] = Cell { node: id, next: *next };
            }
            let Node { register, half, expression, offset, .. } = *node;
            Branch { register, half, expression, offset, place: place as u32 }
        });
        let branches = branches.collect();
        Steps { branches, cells: cells.into() }
    }

    #[inline]
    pub(crate) fn branch(&self, id: NodeId) -> &Branch {
        &self.branches[usize::from(id)]
    }

    /// The node that follows `id`, whose branch this is, when a literal is read.
    #[inline]
    pub(crate) fn next(&self, id: NodeId, branch: &Branch, literal: Literal) -> Option<NodeId> {
        let cell = self.cells.get(branch.place as usize + column(literal))?;
        (cell.node == id).then_some(cell.next)
    }
}
