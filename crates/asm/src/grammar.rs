//! The grammar of both dialects, built from the instruction table.
//!
//! For each dialect a tree of tokens: every path from the root to a node with rows is the spelling
//! of those instructions. No instruction is named here; a row added to the table can be assembled.

use std::sync::LazyLock;

use abide_isa::{Op, Reg};

use crate::dialect::Dialect;
use crate::intern::Names;
use crate::template::{Hole, Piece, pieces};
use crate::token::{NO_WORD, Sign, Tok, all, number, register, word_length};
use crate::tree::Steps;

/// No spelling has a longer word.
const LONGEST: usize = 32;

/// The words of all spellings, numbered.
#[derive(Debug, Default)]
pub(crate) struct Words(Names);

impl Words {
    /// The number of a word, in any case; [`NO_WORD`] if no spelling has it.
    #[inline]
    pub(crate) fn number(&self, word: &[u8]) -> u16 {
        match self.0.find(word) {
            Some(number) => number as u16,
            None if word.iter().any(u8::is_ascii_uppercase) => self.lower(word),
            None => NO_WORD,
        }
    }

    /// The same for a word of less than eight bytes that is at hand as a number.
    #[inline]
    pub(crate) fn short_number(&self, head: u64, length: usize) -> u16 {
        // The highest bit of each byte that is a capital letter; all are below 128.
        let capitals = (head + all(0x80 - b'A')) & !(head + all(0x80 - b'Z' - 1)) & all(0x80);
        let lower = head | capitals >> 2;
        self.0.find_short(lower, length).map_or(NO_WORD, |number| number as u16)
    }

    fn lower(&self, word: &[u8]) -> u16 {
        let mut lower = [0; LONGEST];
        let Some(lower) = lower.get_mut(..word.len()) else { return NO_WORD };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        self.0.find(lower).map_or(NO_WORD, |number| number as u16)
    }

    fn add(&mut self, word: &str) -> u16 {
        assert!(word.len() <= LONGEST, "`{word}` is too long to be found in upper case");
        self.0.intern(word) as u16
    }
}

/// A word or sign that stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Literal {
    Word(u16),
    Sign(Sign),
}

/// What an operand of a spelling becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bind {
    /// The operand fills this hole.
    Hole(Hole),
    /// It must be this register.
    Register(Reg),
    /// It must be this number.
    Number(u64),
}

/// An instruction at the end of a path, with what the operands on the path become, in order.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) op: Op,
    pub(crate) binds: Box<[Bind]>,
    /// Whether one of them must be a number.
    pub(crate) has_number: bool,
}

/// The number of a node.
pub(crate) type NodeId = u16;

/// A place in a spelling, and what may follow.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) literals: Vec<(Literal, NodeId)>,
    pub(crate) register: Option<NodeId>,
    pub(crate) half: Option<NodeId>,
    pub(crate) expression: Option<NodeId>,
    /// An expression that begins with a sign.
    pub(crate) offset: Option<NodeId>,
    pub(crate) rows: Vec<Row>,
}

/// The tree of one dialect.
pub(crate) struct Tree {
    nodes: Vec<Node>,
    pub(crate) steps: Steps,
}

impl Tree {
    pub(crate) const ROOT: NodeId = 0;

    #[inline]
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The node that follows when this literal is read.
    #[inline]
    pub(crate) fn next(&self, id: NodeId, literal: Literal) -> Option<NodeId> {
        self.steps.next(id, self.steps.branch(id), literal)
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn push(nodes: &mut Vec<Node>) -> NodeId {
        nodes.push(Node::default());
        (nodes.len() - 1) as NodeId
    }
}

/// Both dialects.
pub(crate) struct Grammar {
    pub(crate) words: Words,
    c: Tree,
    gnu: Tree,
    /// By the number of the word.
    gnu_only: Box<[bool]>,
}

impl Grammar {
    /// The one grammar; built when first used.
    pub(crate) fn get() -> &'static Grammar {
        static GRAMMAR: LazyLock<Grammar> = LazyLock::new(Grammar::build);
        &GRAMMAR
    }

    pub(crate) fn tree(&self, dialect: Dialect) -> &Tree {
        match dialect {
            Dialect::C => &self.c,
            Dialect::Gnu => &self.gnu,
        }
    }

    /// Whether instructions begin with this word in GNU's dialect, and none in pseudo-C.
    #[inline]
    pub(crate) fn begins_gnu_only(&self, word: u16) -> bool {
        self.gnu_only.get(usize::from(word)).is_some_and(|only| *only)
    }

    /// How a literal is written.
    pub(crate) fn text(&self, literal: Literal) -> &str {
        match literal {
            Literal::Word(word) => self.words.0.text(u32::from(word)),
            Literal::Sign(sign) => sign.text(),
        }
    }

    fn build() -> Grammar {
        let mut words = Words::default();
        let mut tree = |spellings: fn(Op) -> (&'static str, &'static [&'static str])| {
            let mut nodes = vec![Node::default()];
            for &op in Op::ALL {
                let (first, others) = spellings(op);
                for template in std::iter::once(&first).chain(others) {
                    if !template.is_empty() {
                        insert(&mut nodes, op, &steps(template, &mut words));
                    }
                }
            }
            for node in &mut nodes {
                node.literals.sort_unstable();
            }
            let steps = Steps::new(&nodes);
            Tree { nodes, steps }
        };
        let c = tree(|op| (op.spec().c, op.spec().c_also));
        let gnu = tree(|op| (op.spec().gnu, op.spec().gnu_also));
        let begins = |tree: &Tree, word| tree.next(Tree::ROOT, Literal::Word(word)).is_some();
        let gnu_only =
            (0..words.0.len() as u16).map(|word| begins(&gnu, word) && !begins(&c, word));
        Grammar { gnu_only: gnu_only.collect(), words, c, gnu }
    }
}

/// One step of a path.
enum Step {
    Literal(Literal),
    Register(Bind),
    Half(Bind),
    Expression(Bind),
    Offset(Bind),
    OptionalOffset(Bind),
}

fn steps(template: &'static str, words: &mut Words) -> Vec<Step> {
    let mut out = Vec::new();
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) => literals(text, words, &mut out),
            Piece::Hole(hole) => {
                let bind = Bind::Hole(hole);
                out.push(match hole {
                    Hole::Dst | Hole::Src => Step::Register(bind),
                    Hole::HalfDst | Hole::HalfSrc => Step::Half(bind),
                    Hole::Off | Hole::Relative => Step::Offset(bind),
                    Hole::OptionalImm => Step::OptionalOffset(bind),
                    Hole::Imm | Hole::Target | Hole::High | Hole::Low | Hole::Module => {
                        Step::Expression(bind)
                    }
                });
            }
        }
    }
    out
}

/// The tokens of a piece of text; a register or number among them must be written as it is.
fn literals(text: &'static str, words: &mut Words, out: &mut Vec<Step>) {
    let mut rest = text.trim_start();
    while let Some(&first) = rest.as_bytes().first() {
        let length = word_length(rest.as_bytes());
        let (step, length) = if length > 0 {
            let word = &rest[..length];
            let step = match register(word.as_bytes()) {
                Some((reg, false)) => Step::Register(Bind::Register(reg)),
                Some((reg, true)) => Step::Half(Bind::Register(reg)),
                None => Step::Literal(Literal::Word(words.add(word))),
            };
            (step, length)
        } else if first.is_ascii_digit() {
            let (Tok::Number(value), length) = number(rest.as_bytes()) else {
                unreachable!("the instruction table has a bad number in `{text}`")
            };
            (Step::Expression(Bind::Number(value)), length)
        } else {
            let (sign, length) =
                Sign::at(rest.as_bytes()).expect("the instruction table has only known signs");
            (Step::Literal(Literal::Sign(sign)), length)
        };
        out.push(step);
        rest = rest[length..].trim_start();
    }
}

fn insert(nodes: &mut Vec<Node>, op: Op, steps: &[Step]) {
    // The optional operand is the only choice within a template: once without it, once with it.
    let without = steps.iter().filter(|step| !matches!(step, Step::OptionalOffset(_)));
    path(nodes, op, without);
    if steps.iter().any(|step| matches!(step, Step::OptionalOffset(_))) {
        path(nodes, op, steps.iter());
    }
}

fn path<'a>(nodes: &mut Vec<Node>, op: Op, steps: impl Iterator<Item = &'a Step>) {
    let mut at = Tree::ROOT;
    let mut binds = Vec::new();
    for step in steps {
        let known = {
            let node = &nodes[at as usize];
            match step {
                Step::Literal(literal) => {
                    node.literals.iter().find(|(key, _)| key == literal).map(|(_, id)| *id)
                }
                Step::Register(_) => node.register,
                Step::Half(_) => node.half,
                Step::Expression(_) => node.expression,
                Step::Offset(_) | Step::OptionalOffset(_) => node.offset,
            }
        };
        let next = known.unwrap_or_else(|| Tree::push(nodes));
        let node = &mut nodes[at as usize];
        match step {
            Step::Literal(literal) if known.is_none() => node.literals.push((*literal, next)),
            Step::Literal(_) => {}
            Step::Register(bind) => {
                node.register = Some(next);
                binds.push(*bind);
            }
            Step::Half(bind) => {
                node.half = Some(next);
                binds.push(*bind);
            }
            Step::Expression(bind) => {
                node.expression = Some(next);
                binds.push(*bind);
            }
            Step::Offset(bind) | Step::OptionalOffset(bind) => {
                node.offset = Some(next);
                binds.push(*bind);
            }
        }
        at = next;
    }
    let has_number = binds.iter().any(|bind| matches!(bind, Bind::Number(_)));
    nodes[at as usize].rows.push(Row { op, binds: binds.into(), has_number });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case_and_in_both_ways() {
        let words = &Grammar::get().words;
        for (number, word) in (0u32..).zip(words.0.all()) {
            for word in [word.to_owned(), word.to_uppercase()] {
                assert_eq!(u32::from(words.number(word.as_bytes())), number, "{word}");
                let text = format!("{word}\n       ");
                if let Some((head, length)) = crate::token::short_word(text.as_bytes()) {
                    assert_eq!(length, word.len());
                    assert_eq!(u32::from(words.short_number(head, length)), number, "{word}");
                }
            }
        }
    }

    #[test]
    fn every_instruction_has_a_path_in_pseudo_c() {
        let grammar = Grammar::get();
        let found: std::collections::HashSet<Op> =
            grammar.c.nodes.iter().flat_map(|node| &node.rows).map(|row| row.op).collect();
        assert_eq!(found.len(), Op::COUNT);
    }

    #[test]
    fn rows_at_one_node_differ_in_what_they_demand() {
        for dialect in [Dialect::C, Dialect::Gnu] {
            for node in &Grammar::get().tree(dialect).nodes {
                for (at, row) in node.rows.iter().enumerate() {
                    let before = &node.rows[..at];
                    assert!(
                        before.iter().all(|other| other.binds != row.binds),
                        "{:?} can never be reached",
                        row.op
                    );
                }
            }
        }
    }
}
