//! The texts of the corpus: every spelling of the instruction table with every kind of operand in
//! it, at its edges and beyond them, and with every small change to its words, signs and blanks.
//!
//! Most texts of some kinds are no instructions: what other assemblers take of them is to be found
//! out. Knows nothing of what any assembler makes of a text.

use std::collections::HashSet;

use abide_asm::Dialect;
use abide_isa::Op;

use super::operands::{IMMEDIATES, ODD_REGISTERS, OFFSETS, TARGETS};

/// What is varied in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// All pairs of registers.
    Registers,
    /// Other names where a register stands.
    OddRegisters,
    /// The offset of an address.
    Offsets,
    /// The immediate.
    Immediates,
    /// The target of a jump.
    Targets,
    /// Blanks, comments, separators, upper case.
    Spacing,
    /// One token left out, doubled, moved or replaced.
    Edits,
    /// One word replaced by another of the grammar.
    Words,
}

impl Shape {
    pub(crate) const ALL: [Shape; 8] = [
        Shape::Registers,
        Shape::OddRegisters,
        Shape::Offsets,
        Shape::Immediates,
        Shape::Targets,
        Shape::Spacing,
        Shape::Edits,
        Shape::Words,
    ];

    /// As the page calls it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Shape::Registers => "all pairs of registers",
            Shape::OddRegisters => "other names where a register stands",
            Shape::Offsets => "offsets of addresses",
            Shape::Immediates => "immediates",
            Shape::Targets => "targets of jumps",
            Shape::Spacing => "blanks, comments, separators, upper case",
            Shape::Edits => "one token left out, doubled, moved, replaced",
            Shape::Words => "one word replaced by another",
        }
    }
}

/// A text of the corpus: one statement or a few.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) dialect: Dialect,
    pub(crate) shape: Shape,
    pub(crate) text: String,
}

impl Case {
    /// Whether it has symbols or divides by zero, of which some assemblers die, or say no line.
    pub(crate) fn is_risky(&self) -> bool {
        ["ext", "§", "/0", "%0", "\""].iter().any(|part| self.text.contains(part))
    }
}

/// All texts; none stands twice for a dialect.
pub(crate) fn all() -> Vec<Case> {
    let mut out = Collector { cases: Vec::new(), seen: HashSet::new(), dialect: Dialect::C };
    for dialect in [Dialect::C, Dialect::Gnu] {
        out.dialect = dialect;
        let words = words(dialect);
        for template in templates(dialect) {
            out.registers(template);
            out.odd_registers(template);
            out.operand(template, Shape::Offsets, &["{o}", "{+i}"], OFFSETS);
            out.operand(template, Shape::Immediates, &["{i}", "{hi}", "{lo}"], IMMEDIATES);
            out.selectors(template);
            out.operand(template, Shape::Targets, &["{t}"], TARGETS);
            let plain = fill(template, dialect, |_| None);
            out.spacing(&plain);
            out.edits(&plain);
            out.words(&plain, &words);
        }
    }
    out.cases.retain(|case| !is_of_its_place(&case.text));
    out.cases
}

/// A 64-bit load of the address where it stands: what is encoded hangs on the texts before it.
fn is_of_its_place(text: &str) -> bool {
    text.contains("lddw") && [",.", ",.+8"].iter().any(|end| text.ends_with(end))
}

/// The spellings of a dialect.
fn templates(dialect: Dialect) -> Vec<&'static str> {
    let of = |op: &Op| {
        let spec = op.spec();
        let (first, also) = match dialect {
            Dialect::C => (spec.c, spec.c_also),
            Dialect::Gnu => (spec.gnu, spec.gnu_also),
        };
        std::iter::once(first).chain(also.iter().copied()).filter(|text| !text.is_empty())
    };
    Op::ALL.iter().flat_map(of).collect()
}

/// The words of a dialect's spellings, and some that are in none.
fn words(dialect: Dialect) -> Vec<String> {
    let mut all: Vec<String> = templates(dialect)
        .into_iter()
        .flat_map(|template| tokens(&fill(template, dialect, |_| None)))
        .map(|token| token.text)
        .filter(|text| text.starts_with(|first: char| first.is_ascii_alphabetic()))
        .filter(|text| dialect == Dialect::Gnu || !is_register(text))
        .collect();
    let others: &[&str] = match dialect {
        Dialect::C => &["s64", "s", "u128", "xchg32_64", "nop", "return"],
        Dialect::Gnu => &[
            "ldabsdw", "ldinddw", "ldxsdw", "brkpt", "callx", "jset64", "xadd", "xaddb", "nop",
            "movs64", "neg64", "be16", "ldw", "lddw32", "jmp", "goto",
        ],
    };
    all.extend(others.iter().map(|word| (*word).to_owned()));
    all.sort_unstable();
    all.dedup();
    all
}

/// A hole of a template and what stands there if nothing else is wanted.
fn usual(hole: &str, dialect: Dialect) -> &'static str {
    let gnu = dialect == Dialect::Gnu;
    match hole {
        "{d}" if gnu => "%r1",
        "{s}" if gnu => "%r2",
        "{d}" => "r1",
        "{s}" => "r2",
        "{wd}" => "w1",
        "{ws}" => "w2",
        "{i}" => "7",
        "{+i}" => " + 7",
        "{o}" if gnu => "+8",
        "{o}" => "+ 8",
        "{t}" if gnu => "3",
        "{t}" => "+3",
        "{r}" => "+3",
        "{hi}" => "0",
        "{lo}" | "{m}" => "1",
        other => unreachable!("the instruction table has no hole {other}"),
    }
}

/// The text of a template, with `wanted` in its holes where that gives something.
fn fill(template: &str, dialect: Dialect, wanted: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let close = open + rest[open..].find('}').map_or(0, |length| length + 1);
        let hole = &rest[open..close];
        out.push_str(&rest[..open]);
        out.push_str(&wanted(hole).unwrap_or_else(|| usual(hole, dialect).to_owned()));
        rest = &rest[close..];
    }
    out + rest
}

fn is_register(word: &str) -> bool {
    let name = word.strip_prefix('%').unwrap_or(word);
    let digits = name.strip_prefix(['r', 'w']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A word, a number or a single sign, and whether a blank stands before it.
#[derive(Debug, Clone)]
struct Token {
    blank: bool,
    text: String,
}

fn tokens(text: &str) -> Vec<Token> {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let bytes = text.as_bytes();
    let (mut out, mut at, mut blank) = (Vec::new(), 0, false);
    while at < bytes.len() {
        if bytes[at] == b' ' {
            (at, blank) = (at + 1, true);
            continue;
        }
        let start = at;
        // `%` before a letter is part of a register's name, and an operator elsewhere.
        let percent = bytes[at] == b'%' && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
        at += 1;
        if percent || in_word(bytes[start]) {
            at += bytes[at..].iter().take_while(|byte| in_word(**byte)).count();
        }
        out.push(Token { blank, text: text[start..at].to_owned() });
        blank = false;
    }
    out
}

fn joined(tokens: &[Token]) -> String {
    let mut out = String::new();
    for token in tokens {
        if token.blank {
            out.push(' ');
        }
        out.push_str(&token.text);
    }
    out
}

struct Collector {
    cases: Vec<Case>,
    seen: HashSet<(Dialect, String)>,
    dialect: Dialect,
}

impl Collector {
    fn push(&mut self, shape: Shape, text: String) {
        if self.seen.insert((self.dialect, text.clone())) {
            self.cases.push(Case { dialect: self.dialect, shape, text });
        }
    }

    fn registers(&mut self, template: &str) {
        let name = |hole: &str, number: usize, dialect| match (hole, dialect) {
            ("{d}" | "{s}", Dialect::Gnu) => format!("%r{number}"),
            ("{wd}" | "{ws}", _) => format!("w{number}"),
            _ => format!("r{number}"),
        };
        for dst in 0..=10 {
            for src in 0..=10 {
                let text = fill(template, self.dialect, |hole| match hole {
                    "{d}" | "{wd}" => Some(name(hole, dst, self.dialect)),
                    "{s}" | "{ws}" => Some(name(hole, src, self.dialect)),
                    _ => None,
                });
                self.push(Shape::Registers, text);
            }
        }
    }

    fn odd_registers(&mut self, template: &str) {
        // Every place of its own, also where one register stands twice.
        let plain = tokens(&fill(template, self.dialect, |_| None));
        for at in 0..plain.len() {
            if !is_register(&plain[at].text) {
                continue;
            }
            for other in ODD_REGISTERS {
                let mut changed = plain.clone();
                changed[at].text = (*other).to_owned();
                self.push(Shape::OddRegisters, joined(&changed));
            }
        }
    }

    fn operand(&mut self, template: &str, shape: Shape, holes: &[&str], texts: &[&str]) {
        for hole in holes.iter().filter(|hole| template.contains(**hole)) {
            for operand in texts {
                let wanted = |found: &str| (found == *hole).then(|| (*operand).to_owned());
                let text = fill(template, self.dialect, wanted);
                self.push(shape, text);
            }
        }
    }

    /// Numbers that are a part of the spelling, written in other ways.
    fn selectors(&mut self, template: &str) {
        let list = tokens(template);
        for at in 0..list.len() {
            if !list[at].text.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            for number in IMMEDIATES {
                let mut changed = list.clone();
                changed[at].text = (*number).to_owned();
                self.push(Shape::Immediates, fill(&joined(&changed), self.dialect, |_| None));
            }
        }
    }

    fn spacing(&mut self, plain: &str) {
        let list = tokens(plain);
        let texts: Vec<&str> = list.iter().map(|token| token.text.as_str()).collect();
        for between in ["", " ", "  ", "\t", " \t "] {
            self.push(Shape::Spacing, texts.join(between));
        }
        for at in 1..list.len() {
            let mut changed = list.clone();
            changed[at].blank = !changed[at].blank;
            self.push(Shape::Spacing, joined(&changed));
            changed[at].text.insert_str(0, "/* c */");
            self.push(Shape::Spacing, joined(&changed));
        }
        for at in 0..list.len() {
            let mut changed = list.clone();
            changed[at].text = changed[at].text.to_uppercase();
            self.push(Shape::Spacing, joined(&changed));
        }
        self.push(Shape::Spacing, plain.to_uppercase());
        for around in [
            " @",
            "\t@",
            "@ ",
            "@\t",
            "@ # c",
            "@# c",
            "@ // c",
            "@// c",
            "@ /* c */",
            "@/* c */",
            "/* c */@",
            "/* c */ @",
            "@;",
            "@ ;",
            ";@",
            "@; exit",
            "@ ; exit",
            "@;;",
            "@`",
            "@`exit",
            "@ ; c",
            "@,",
            "@ ,",
            ",@",
            ", @",
            "(@)",
            "{ @ }",
            "@!",
            "@ exit",
            "@\r",
            "l§:@",
            "l§: @",
            "l§ : @",
            "l§:\n@",
            "1:@",
            "1: @",
            "l§: k§: @",
            "\"l§\": @",
            "l$§: @",
            ".Ll§: @",
        ] {
            self.push(Shape::Spacing, around.replace('@', plain));
        }
    }

    fn edits(&mut self, plain: &str) {
        const OTHERS: &[&str] = &[
            ",", "(", ")", "[", "]", "+", "-", "*", "/", "%", "=", "<", ">", "!", "|", "&", "^",
            "~", "@", "?", "$", ".", "7", "r3", "w3", "%r3", "ext",
        ];
        let list = tokens(plain);
        for at in 0..list.len() {
            let mut changed = list.clone();
            changed.remove(at);
            self.push(Shape::Edits, joined(&changed));
            let mut changed = list.clone();
            changed.insert(at, list[at].clone());
            self.push(Shape::Edits, joined(&changed));
            if at > 0 {
                let mut changed = list.clone();
                changed.swap(at - 1, at);
                self.push(Shape::Edits, joined(&changed));
            }
            for other in OTHERS {
                let mut changed = list.clone();
                changed[at].text = (*other).to_owned();
                self.push(Shape::Edits, joined(&changed));
                let mut changed = list.clone();
                changed.insert(at, Token { blank: true, text: (*other).to_owned() });
                self.push(Shape::Edits, joined(&changed));
            }
        }
    }

    fn words(&mut self, plain: &str, words: &[String]) {
        let list = tokens(plain);
        for at in 0..list.len() {
            let word = &list[at].text;
            if !word.starts_with(|first: char| first.is_ascii_alphabetic()) || is_register(word) {
                continue;
            }
            for other in words {
                let mut changed = list.clone();
                changed[at].text = other.clone();
                self.push(Shape::Words, joined(&changed));
            }
        }
    }
}
