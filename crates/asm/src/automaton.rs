//! The trees of the grammar as one automaton over bytes, for the instructions that compilers write.
//!
//! From each node of a tree it goes on with the bytes of the words and signs that may follow. It
//! has no way for what is ambiguous or unusual: capital letters, a sign that may be an operand's or
//! a literal, a comment in the middle. A way that it has is the one that the `matcher` tries first.
//! Knows no text, and nothing of what operands mean.

use std::sync::LazyLock;

use crate::dialect::Dialect;
use crate::grammar::{Grammar, Literal, NodeId, Tree};
use crate::quick::Recipe;
use crate::token::{Sign, in_word};

/// The number of a state: the place of its cells, from which on the byte read is counted.
pub(crate) type State = u16;

/// No state has so high a number; two bits of a cell's owner say what it is for.
pub(crate) const NOWHERE: State = 1 << 14;

/// The byte begins a register, or is its number; what is next is the state after it.
pub(crate) const REGISTER: State = 1 << 14;

/// The byte ends the name of the frame pointer; what is next is the state after it.
pub(crate) const FRAME: State = 2 << 14;

/// The byte ends the statement, or begins a comment that does; what is next is the recipe.
pub(crate) const END: State = 3 << 14;

/// Where the automaton goes no further by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) state: State,
    pub(crate) at: usize,
    pub(crate) byte: u8,
    /// [`REGISTER`], [`FRAME`] or [`END`]; anything else if the byte leads nowhere: an operand may
    /// begin there.
    pub(crate) mark: State,
    pub(crate) next: u16,
}

/// Where to go on from a state after a number or symbol, and after a number with a sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operands {
    pub(crate) plain: State,
    pub(crate) signed: State,
}

const NO_OPERANDS: Operands = Operands { plain: NOWHERE, signed: NOWHERE };

/// The highest number of a state.
const LAST: usize = NOWHERE as usize - 1;

/// Those of all states, each of which may have one for each byte.
const CELLS: usize = LAST + 256;

/// The automaton.
pub(crate) struct Automaton {
    /// The state that a cell belongs to, with a mark of what the cell is for, in the upper half; what
    /// is next in the lower one.
    cells: Box<[u32; CELLS]>,
    /// By state.
    operands: Box<[Operands]>,
    recipes: Box<[Recipe]>,
    /// Where statements begin: of either dialect, and of one only.
    any: State,
    c: State,
    gnu: State,
}

impl Automaton {
    /// The one of the grammar; built when first used.
    pub(crate) fn get() -> &'static Automaton {
        static AUTOMATON: LazyLock<Automaton> = LazyLock::new(|| {
            let (grammar, drafts, recipes) = (Grammar::get(), Vec::new(), Vec::new());
            let fresh = [Dialect::C, Dialect::Gnu].map(|of| vec![None; grammar.tree(of).len()]);
            Builder { grammar, drafts, fresh, recipes }.build()
        });
        &AUTOMATON
    }

    /// Where the statements of a dialect begin, or those of both.
    #[inline]
    pub(crate) fn start(&self, wanted: Option<Dialect>) -> State {
        match wanted {
            None => self.any,
            Some(Dialect::C) => self.c,
            Some(Dialect::Gnu) => self.gnu,
        }
    }

    /// Goes from a state, and from a place of a text, as far as there are states to go to. Nothing
    /// if the text ends.
    #[inline]
    pub(crate) fn run(&self, state: State, text: &[u8], at: usize) -> Option<Stop> {
        let (over, last) = go(&self.cells, u32::from(state), text.get(at..)?);
        let (at, cell, state) = (at + over, last as u32, (last >> 32) as State);
        let mark = (cell >> 16) as State ^ state;
        Some(Stop { state, at, byte: *text.get(at)?, mark, next: cell as u16 })
    }

    #[inline]
    pub(crate) fn operands(&self, state: State) -> Operands {
        self.operands[usize::from(state)]
    }

    #[inline]
    pub(crate) fn recipe(&self, number: u16) -> &Recipe {
        &self.recipes[usize::from(number)]
    }
}

/// Goes from a state as far as there are states to go to: how many bytes that is, and the cell of the
/// next one with the last state above it.
///
/// Not part of any other function: this is the innermost loop, and needs the registers of the processor
/// for itself.
#[inline(never)]
fn go(cells: &[u32; CELLS], state: u32, text: &[u8]) -> (usize, u64) {
    let (mut state, mut over) = (state, 0);
    while let Some(byte) = text.get(over) {
        // No state is so high that this would cut off anything.
        let cell = cells[(state as usize & LAST) + usize::from(*byte)];
        if cell >> 16 != state {
            return (over, u64::from(state) << 32 | u64::from(cell));
        }
        state = cell & 0xffff;
        over += 1;
    }
    (over, 0)
}

/// A state before it has a place.
#[derive(Debug, Clone, Default)]
struct Draft {
    steps: Vec<(u8, Target)>,
    /// The drafts after an operand without and with a sign.
    plain: Option<usize>,
    signed: Option<usize>,
}

/// Where a byte leads to, with numbers of drafts.
#[derive(Debug, Clone, Copy)]
enum Target {
    To(usize),
    Register(usize),
    Frame(usize),
    End(u16),
}

/// A word or sign of which some bytes are still to come, and what follows it.
type Rest = (&'static [u8], Dialect, NodeId);

struct Builder {
    grammar: &'static Grammar,
    drafts: Vec<Draft>,
    /// By dialect and node: the draft where anything may come next.
    fresh: [Vec<Option<usize>>; 2],
    recipes: Vec<Recipe>,
}

impl Builder {
    fn build(mut self) -> Automaton {
        let c = self.fresh(Dialect::C, Tree::ROOT);
        let gnu = self.fresh(Dialect::Gnu, Tree::ROOT);
        // Of either dialect: as in pseudo-C, but with the words that only GNU's begins with.
        let mut words = self.literals(Dialect::C, Tree::ROOT, |_| true);
        words.extend(self.literals(
            Dialect::Gnu,
            Tree::ROOT,
            |literal| matches!(literal, Literal::Word(word) if self.grammar.begins_gnu_only(word)),
        ));
        let any = self.draft(Draft::default());
        self.follow(any, Dialect::C, Tree::ROOT, words);
        self.pack([any, c, gnu])
    }

    fn draft(&mut self, draft: Draft) -> usize {
        self.drafts.push(draft);
        self.drafts.len() - 1
    }

    fn fresh(&mut self, dialect: Dialect, node: NodeId) -> usize {
        if let Some(draft) = self.fresh[dialect as usize][usize::from(node)] {
            return draft;
        }
        let draft = self.draft(Draft::default());
        self.fresh[dialect as usize][usize::from(node)] = Some(draft);
        let literals = self.literals(dialect, node, |_| true);
        self.follow(draft, dialect, node, literals);
        draft
    }

    /// The words and signs that may follow a node.
    fn literals(
        &self,
        dialect: Dialect,
        node: NodeId,
        which: impl Fn(Literal) -> bool,
    ) -> Vec<Rest> {
        let literals = &self.grammar.tree(dialect).node(node).literals;
        let wanted = literals.iter().filter(|(literal, _)| which(*literal));
        wanted
            .map(|(literal, next)| (self.grammar.text(*literal).as_bytes(), dialect, *next))
            .collect()
    }

    /// Adds all that may follow a node, with these words and signs.
    fn follow(&mut self, draft: usize, dialect: Dialect, node: NodeId, mut literals: Vec<Rest>) {
        let tree = self.grammar.tree(dialect);
        let branch = *tree.steps.branch(node);
        self.drafts[draft].plain = branch.expression.map(|after| self.fresh(dialect, after));
        // A sign before a number is the number's, unless one may follow it as a literal, too.
        let is_sign = |(text, ..): &Rest| matches!(text, [b'+' | b'-', ..]);
        let number = |(_, _, next): &Rest| tree.steps.branch(*next).expression.is_some();
        if let Some(after) = branch.offset.or(branch.expression)
            && !literals.iter().any(|rest| is_sign(rest) && number(rest))
        {
            literals.retain(|rest| !is_sign(rest));
            self.drafts[draft].signed = Some(self.fresh(dialect, after));
        }
        self.spell(draft, &[], literals);
        let blank = self.fresh(dialect, node);
        let mut more: Vec<(u8, Target)> = b" \t".map(|byte| (byte, Target::To(blank))).into();
        if let Some(recipe) = Recipe::of(tree.node(node)) {
            let number = self.recipes.len() as u16;
            self.recipes.push(recipe);
            more.extend(b"\n;#".map(|end| (end, Target::End(number))));
        }
        self.drafts[draft].steps.extend(more);
        self.name_registers(draft, dialect, branch.register, branch.half);
    }

    /// Adds the registers that may follow, where no word begins alike.
    fn name_registers(
        &mut self,
        draft: usize,
        dialect: Dialect,
        whole: Option<NodeId>,
        half: Option<NodeId>,
    ) {
        if whole.or(half).is_none() {
            return;
        }
        let whole = whole.map(|after| self.fresh(dialect, after));
        let half = half.map(|after| self.fresh(dialect, after));
        let percent = self.lead(draft, b'%');
        self.letters(percent, whole, half);
        if dialect == Dialect::C {
            self.letters(draft, whole, half);
        }
    }

    /// Adds the letters of registers.
    fn letters(&mut self, draft: usize, whole: Option<usize>, half: Option<usize>) {
        for (letter, next) in [(b'r', whole), (b'w', half)] {
            let Some(next) = next else { continue };
            let known = self.drafts[draft].steps.iter().find(|(known, _)| *known == letter);
            match known.map(|(_, target)| *target) {
                None => self.add(draft, letter, Target::Register(next)),
                // A word begins alike, but has no digit then.
                Some(Target::To(word)) => {
                    (b'0'..=b'9').for_each(|digit| self.add(word, digit, Target::Register(next)));
                }
                Some(_) => {}
            }
        }
        if let Some(next) = whole {
            let f = self.lead(draft, b'f');
            self.add(f, b'p', Target::Frame(next));
        }
    }

    /// The draft that a byte leads to, which is made if there is none.
    fn lead(&mut self, draft: usize, byte: u8) -> usize {
        let known = self.drafts[draft].steps.iter().find(|(known, _)| *known == byte);
        if let Some((_, Target::To(next))) = known {
            return *next;
        }
        let next = self.draft(Draft::default());
        self.add(draft, byte, Target::To(next));
        next
    }

    /// Adds a step, if the byte leads nowhere yet.
    fn add(&mut self, draft: usize, byte: u8, target: Target) {
        let steps = &mut self.drafts[draft].steps;
        if steps.iter().all(|(known, _)| *known != byte) {
            steps.push((byte, target));
        }
    }

    /// Adds the words and signs to a draft that is reached when the text before is spelled.
    fn spell(&mut self, draft: usize, before: &[u8], mut rests: Vec<Rest>) {
        rests.sort_unstable();
        for group in rests.chunk_by(|one, other| one.0[0] == other.0[0]) {
            let byte = group[0].0[0];
            let spelled = [before, &[byte]].concat();
            let mut more: Vec<Rest> =
                group.iter().map(|(text, dialect, next)| (&text[1..], *dialect, *next)).collect();
            let whole = more.iter().position(|(text, ..)| text.is_empty());
            let whole = whole.map(|at| more.swap_remove(at));
            let next = match whole {
                Some((_, dialect, node)) => self.behind(&spelled, dialect, node, !more.is_empty()),
                None => self.draft(Draft::default()),
            };
            self.spell(next, &spelled, more);
            self.drafts[draft].steps.push((byte, Target::To(next)));
        }
    }

    /// The draft of a node right behind a word or sign: without the bytes that would make that
    /// another one. It is its own if more will be added to it.
    fn behind(&mut self, spelled: &[u8], dialect: Dialect, node: NodeId, own: bool) -> usize {
        let fresh = self.fresh(dialect, node);
        let Draft { mut steps, mut plain, mut signed } = self.drafts[fresh].clone();
        let (before, after) = (steps.len(), After::new(spelled));
        steps.retain(|(byte, _)| !after.goes_on(*byte));
        let mut same = steps.len() == before;
        for (operand, bytes) in [(&mut plain, &b"0a."[..]), (&mut signed, b"+-")] {
            if operand.is_some() && bytes.iter().any(|byte| after.goes_on(*byte)) {
                (*operand, same) = (None, false);
            }
        }
        if same && !own { fresh } else { self.draft(Draft { steps, plain, signed }) }
    }

    /// Gives all drafts their places.
    fn pack(mut self, [any, c, gnu]: [usize; 3]) -> Automaton {
        for draft in &mut self.drafts {
            draft.steps.sort_unstable_by_key(|(byte, _)| *byte);
        }
        let mut order: Vec<usize> = (0..self.drafts.len()).collect();
        order.sort_by_key(|draft| std::cmp::Reverse(self.drafts[*draft].steps.len()));
        let mut places = vec![NOWHERE; self.drafts.len()];
        let mut room = Room::new();
        for draft in order {
            places[draft] = room.place(&self.drafts[draft].steps);
        }
        let place = |draft: Option<usize>| draft.map_or(NOWHERE, |draft| places[draft]);
        let mut cells = Box::new([u32::MAX; CELLS]);
        let mut operands = vec![NO_OPERANDS; usize::from(NOWHERE)];
        for (draft, state) in self.drafts.iter().zip(&places) {
            operands[usize::from(*state)] =
                Operands { plain: place(draft.plain), signed: place(draft.signed) };
            for (byte, target) in &draft.steps {
                let (mark, next) = match *target {
                    Target::To(next) => (0, places[next]),
                    Target::Register(next) => (REGISTER, places[next]),
                    Target::Frame(next) => (FRAME, places[next]),
                    Target::End(recipe) => (END, recipe),
                };
                cells[usize::from(*state) + usize::from(*byte)] =
                    u32::from(*state | mark) << 16 | u32::from(next);
            }
        }
        let [any, c, gnu] = [any, c, gnu].map(|draft| places[draft]);
        let (operands, recipes) = (operands.into(), self.recipes.into());
        Automaton { cells, operands, recipes, any, c, gnu }
    }
}

/// Which cells are taken, and which places are.
struct Room {
    cells: Box<[bool; CELLS]>,
    places: Box<[bool; LAST]>,
    /// All cells before this one are taken.
    full: usize,
    /// By their first byte and how many they are: where the last steps found room.
    last: Box<[[usize; Room::LENGTHS]; 256]>,
}

impl Room {
    /// Steps that are more are few.
    const LENGTHS: usize = 8;

    fn new() -> Room {
        let (cells, places) = (Box::new([false; CELLS]), Box::new([false; LAST]));
        Room { cells, places, full: 0, last: Box::new([[0; Room::LENGTHS]; 256]) }
    }

    /// A place for steps, which are sorted; in a free one all of their cells are.
    fn place(&mut self, steps: &[(u8, Target)]) -> State {
        let first = steps.first().map_or(0, |(byte, _)| *byte);
        let last = self.last[usize::from(first)].get_mut(steps.len());
        while self.cells[self.full] {
            self.full += 1;
        }
        let from = last.as_deref().map_or(0, |last| *last);
        let from = from.max(self.full.saturating_sub(usize::from(first)));
        let is_free = |place: &usize| {
            !self.places[*place]
                && steps.iter().all(|(byte, _)| !self.cells[place + usize::from(*byte)])
        };
        let place = (from..LAST).find(is_free).expect("states are numbered by 14 bits");
        if let Some(last) = last {
            *last = place;
        }
        self.places[place] = true;
        for (byte, _) in steps {
            self.cells[place + usize::from(*byte)] = true;
        }
        place as State
    }
}

/// What may not come right behind a word or sign: it would be another one.
enum After {
    Word,
    /// The bytes that longer signs go on with.
    Sign(Vec<u8>),
}

impl After {
    fn new(spelled: &[u8]) -> After {
        if spelled.last().is_some_and(|last| in_word(*last)) {
            return After::Word;
        }
        let longer = Sign::TEXTS.iter().filter_map(|sign| sign.strip_prefix(spelled)?.first());
        After::Sign(longer.copied().collect())
    }

    fn goes_on(&self, byte: u8) -> bool {
        match self {
            After::Word => in_word(byte),
            After::Sign(longer) => longer.contains(&byte),
        }
    }
}
