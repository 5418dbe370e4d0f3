//! What every assembler makes of every text, side by side, and what explains the differences.

use std::collections::BTreeMap;

use abide_asm::Dialect;
use abide_asm::object::{ObjectOptions, Style, assemble};
use abide_diag::Source;
use abide_isa::Endian;

use super::cases::{Case, Shape};
use super::rules::{Difference, RULES};
use super::tools::{Answer, Code, Tool, code_of, text_of};
use crate::Failure;

/// An error of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// What our assembler makes of a text.
pub(crate) type Ours = Result<Code, Vec<Refusal>>;

/// What became of a text with one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Both make the same code of it.
    Same,
    /// The tool takes it; we refuse it, or make something else of it.
    Different,
    /// Only we take it.
    OursAlone,
    /// Both refuse it.
    Refused,
    /// The tool was not asked.
    NotAsked,
    /// The tool died.
    Died,
}

impl Outcome {
    pub(crate) const ALL: [Outcome; 6] = [
        Outcome::Same,
        Outcome::Different,
        Outcome::OursAlone,
        Outcome::Refused,
        Outcome::NotAsked,
        Outcome::Died,
    ];

    fn of(answer: &Answer, ours: &Ours) -> Outcome {
        match (answer, ours) {
            (Answer::Code(theirs), Ok(ours)) if theirs == ours => Outcome::Same,
            (Answer::Code(_), _) => Outcome::Different,
            (Answer::Refused, Ok(_)) => Outcome::OursAlone,
            (Answer::Refused, Err(_)) => Outcome::Refused,
            (Answer::NotAsked, _) => Outcome::NotAsked,
            (Answer::Died, _) => Outcome::Died,
        }
    }
}

/// The differences that a rule explains.
#[derive(Debug, Clone, Default)]
pub(crate) struct Explained {
    /// By the name of the tool.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// The shortest text.
    pub(crate) example: Option<String>,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) texts: BTreeMap<(Shape, &'static str), usize>,
    /// By tool and byte order, in the order in which they were asked.
    pub(crate) tools: Vec<(&'static str, Endian, BTreeMap<Outcome, usize>)>,
    /// For each rule.
    pub(crate) explained: Vec<Explained>,
    /// Differences without a reason.
    pub(crate) unexplained: Vec<String>,
    /// Texts that are read in another way when the dialect is not said.
    pub(crate) undecided: Vec<String>,
}

/// Compares everything with all tools, the dialects side by side.
pub(crate) fn compare(cases: &[Case], tools: &[Tool]) -> Result<Findings, Failure> {
    let mut out = Findings::default();
    for case in cases {
        *out.texts.entry((case.shape, case.dialect.name())).or_default() += 1;
    }
    let [c, gnu] = std::thread::scope(|scope| {
        [Dialect::C, Dialect::Gnu]
            .map(|dialect| scope.spawn(move || compare_dialect(dialect, cases, tools)))
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".to_owned())))
    });
    out.append(c?);
    out.append(gnu?);
    Ok(out)
}

fn compare_dialect(dialect: Dialect, cases: &[Case], tools: &[Tool]) -> Result<Findings, Failure> {
    let mut out = Findings::default();
    let cases: Vec<&Case> = cases.iter().filter(|case| case.dialect == dialect).collect();
    let all = |endian, dialect| -> Vec<Ours> {
        cases.iter().map(|case| ours(case, endian, dialect)).collect()
    };
    let (little, big) = (all(Endian::Little, Some(dialect)), all(Endian::Big, Some(dialect)));
    out.undecided(&cases, &little);
    // What the newest release makes of nonsense, older ones may die of.
    let mut deadly = vec![false; cases.len()];
    for tool in tools.iter().filter(|tool| tool.dialect == dialect) {
        let answers = tool.ask(&cases, |at| !(tool.dies && deadly[at]), Endian::Little)?;
        for ((deadly, answer), case) in deadly.iter_mut().zip(&answers).zip(&cases) {
            *deadly |= is_deadly(case, answer);
        }
        out.tool(tool, Endian::Little, &cases, &little, &answers);
        // Whether a text is taken does not hang on the byte order.
        let is_code = |at: usize| matches!(answers[at], Answer::Code(_));
        let answers = tool.ask(&cases, is_code, Endian::Big)?;
        out.tool(tool, Endian::Big, &cases, &big, &answers);
    }
    Ok(out)
}

/// Whether LLVM up to 19 is spared a text, seen from what the newest release makes of it: they die
/// of symbols where no relocation fits, and of two registers where there should be one.
fn is_deadly(case: &Case, answer: &Answer) -> bool {
    match answer {
        Answer::Died => true,
        Answer::Code(code) => code.has_misplaced_relocation(),
        Answer::Refused => ["xchg", "atomic_fetch"].iter().any(|word| case.text.contains(word)),
        Answer::NotAsked => false,
    }
}

fn ours(case: &Case, endian: Endian, dialect: Option<Dialect>) -> Ours {
    let style = match case.dialect {
        Dialect::C => Style::Llvm,
        Dialect::Gnu => Style::Gnu,
    };
    let options = ObjectOptions { dialect, endian, style: Some(style), ..ObjectOptions::default() };
    let refusal = |code, message: &str| Refusal { code, message: message.to_owned() };
    match assemble(&Source::new("text", format!("{}\n", text_of(case, 0))), &options) {
        Ok(object) => code_of(&object.bytes).map_err(|why| vec![refusal("no object", &why)]),
        Err(messages) => Err(messages
            .iter()
            .map(|message| refusal(message.diagnostic.code.id, &message.diagnostic.message))
            .collect()),
    }
}

impl Default for Findings {
    fn default() -> Self {
        Findings {
            texts: BTreeMap::new(),
            tools: Vec::new(),
            explained: vec![Explained::default(); RULES.len()],
            unexplained: Vec::new(),
            undecided: Vec::new(),
        }
    }
}

impl Findings {
    /// What a dialect takes must be the same where either is taken.
    fn undecided(&mut self, cases: &[&Case], fixed: &[Ours]) {
        for (case, fixed) in cases.iter().zip(fixed) {
            if fixed.is_ok() && ours(case, Endian::Little, None) != *fixed {
                self.undecided.push(format!("{}: {}", case.dialect, case.text.escape_debug()));
            }
        }
    }

    fn tool(
        &mut self,
        tool: &Tool,
        endian: Endian,
        cases: &[&Case],
        ours: &[Ours],
        answers: &[Answer],
    ) {
        let mut counts = BTreeMap::new();
        for ((case, ours), answer) in cases.iter().zip(ours).zip(answers) {
            let outcome = Outcome::of(answer, ours);
            *counts.entry(outcome).or_default() += 1;
            let (Outcome::Different, Answer::Code(theirs)) = (outcome, answer) else { continue };
            let difference = Difference { case, tool, theirs, ours };
            match RULES.iter().position(|rule| (rule.explains)(&difference)) {
                Some(rule) if endian == Endian::Little => self.explained[rule].add(tool.name, case),
                Some(_) => {}
                None => self.unexplained.push(describe(&difference, endian)),
            }
        }
        self.tools.push((tool.name, endian, counts));
    }

    /// Adds what came out for another dialect.
    fn append(&mut self, mut other: Findings) {
        self.tools.append(&mut other.tools);
        self.unexplained.append(&mut other.unexplained);
        self.undecided.append(&mut other.undecided);
        for (all, explained) in self.explained.iter_mut().zip(other.explained) {
            all.counts.extend(explained.counts);
            let shorter = |a: String, b: String| if b.len() < a.len() { b } else { a };
            all.example = match (all.example.take(), explained.example) {
                (Some(a), Some(b)) => Some(shorter(a, b)),
                (a, b) => a.or(b),
            };
        }
    }
}

impl Explained {
    fn add(&mut self, tool: &'static str, case: &Case) {
        *self.counts.entry(tool).or_default() += 1;
        let text = case.text.split('\n').next().unwrap_or_default().trim();
        if self.example.as_ref().is_none_or(|shortest| text.len() < shortest.len()) {
            self.example = Some(text.to_owned());
        }
    }
}

fn describe(difference: &Difference<'_>, endian: Endian) -> String {
    let Difference { case, tool, theirs, ours } = difference;
    let ours = match ours {
        Ok(code) => show(code),
        Err(refusals) => {
            let all: Vec<String> = refusals
                .iter()
                .map(|refusal| format!("{} {}", refusal.code, refusal.message))
                .collect();
            all.join("; ")
        }
    };
    format!(
        "{}, {endian:?}: `{}` is {}, here {ours}",
        tool.name,
        case.text.escape_debug(),
        show(theirs)
    )
}

fn show(code: &Code) -> String {
    let mut text: String = code.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for relocation in &code.relocations {
        text.push_str(&format!(
            " (relocation {} for `{}` at {})",
            relocation.kind, relocation.symbol, relocation.offset
        ));
    }
    text
}
