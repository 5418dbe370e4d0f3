//! How much may become of a text, so that reading a small one ends soon and takes little memory.
//!
//! Counts what macros, repetitions and directives make more of; what stands in the text itself needs no
//! limit but its length. Knows no text.

use std::cell::Cell;

/// What is left for one text.
#[derive(Debug)]
pub(super) struct Budget {
    /// The bytes that expansions and included files may still have.
    text: usize,
    /// The statements and labels that may still be read in them.
    statements: usize,
    /// The bytes that fillings and alignments may still put into sections.
    bytes: u64,
    /// The steps that expressions may still take.
    steps: Cell<u64>,
    is_spent: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            text: Budget::TEXT,
            statements: 1 << 22,
            bytes: 1 << 28,
            steps: Cell::new(1 << 27),
            is_spent: false,
        }
    }
}

impl Budget {
    const TEXT: usize = 1 << 26;

    /// What is said when [`Budget::is_spent`].
    pub(super) const SPENT: &str = "this expands to too much: macros, repetitions and included files \
                                    may make 64 MiB of text and 4,194,304 statements";

    /// What each expansion costs besides its bytes: it is remembered, to show where it was.
    const EXPANSION: usize = 32;

    /// Whether there is enough for no more text: the rest is not read then.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// The length of the longest expansion that is still possible.
    pub(super) fn text(&self) -> usize {
        self.text
    }

    /// Nothing is left.
    pub(super) fn spend(&mut self) {
        self.is_spent = true;
    }

    /// The bytes that expansions and included files have.
    pub(super) fn expanded(&self) -> usize {
        Budget::TEXT - self.text
    }

    /// Takes what an expansion needs; whether there is enough.
    pub(super) fn expand(&mut self, length: usize) -> bool {
        match self.text.checked_sub(length.saturating_add(Budget::EXPANSION)) {
            Some(left) => self.text = left,
            None => self.is_spent = true,
        }
        !self.is_spent
    }

    /// Takes one statement or label of an expansion; whether there was one.
    pub(super) fn statement(&mut self) -> bool {
        match self.statements.checked_sub(1) {
            Some(left) => self.statements = left,
            None => self.is_spent = true,
        }
        !self.is_spent
    }

    /// Takes bytes of sections; whether there are so many.
    pub(super) fn fill(&mut self, bytes: u64) -> bool {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }

    /// How many bytes of sections that are.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a step of an expression; whether there was one.
    pub(super) fn step(&self) -> bool {
        let left = self.steps.get().checked_sub(1);
        self.steps.set(left.unwrap_or(0));
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectOptions;
    use crate::object::unit::Unit;
    use abide_diag::Source;

    const SMALL: usize = 1 << 10;

    fn small() -> Budget {
        Budget {
            text: 64 * SMALL,
            statements: SMALL,
            bytes: 64 * SMALL as u64,
            steps: Cell::new(16 * SMALL as u64),
            is_spent: false,
        }
    }

    /// Small texts that would be read for minutes, or take all of the memory.
    fn greedy() -> Vec<String> {
        let times = |count: usize, body: &str| format!(".rept {count}\n{body}\n.endr\n");
        let sections = |count: usize, body: &str| -> String {
            (0..count).map(|at| format!(".section s{at},\"aw\",@progbits\n{body}\n")).collect()
        };
        let parameters: String = (0..SMALL).map(|at| format!("a{at}, ")).collect();
        let doubled = (1..40).map(|at| format!(".set a{at}, a{0} + a{0}\n", at - 1));
        let doubled = format!("f:\n.set a0, f\n{}", doubled.collect::<String>());
        vec![
            times(100_000, &times(100_000, "")),
            times(100_000, &times(100_000, "r0 = 0")),
            times(1 << 40, "exit"),
            times(100_000, "1:"),
            times(100_000, "1: goto 1b"),
            times(100_000, ".irp x,1,2,3,4,5,6,7,8,9\nr0 = \\x\n.endr"),
            times(100_000, ".irpc x,123456789\n.byte \\x\n.endr"),
            times(100_000, ".if 1\n.endif"),
            format!(".set x, 0\n{}", times(100_000, ".set x, x + 1")),
            format!(".macro m\n.endm\n{}", times(100_000, "m")),
            format!(".macro m {parameters}\n.endm\n{}", "m\n".repeat(64 * SMALL)),
            ".macro m a\nm \"\\a\\a\\a\\a\"\n.endm\nm \"xxxxxxxxxxxxxxxx\"\n".to_owned(),
            format!(
                ".macro m a\n{}\n.endm\nm \"{}\"\n",
                "# \\a\n".repeat(SMALL),
                "x".repeat(SMALL)
            ),
            sections(8, ".zero 50000"),
            sections(8, ".fill 10000, 8, 1"),
            sections(8, ".byte 1\n.p2align 16"),
            sections(8, "f\\@: .uleb128 1f-2f\n1: .byte 1\n2: .p2align 15").replace("f\\@: ", ""),
            format!("{doubled}{}", times(SMALL, ".if a39 == 3\n.endif")),
        ]
    }

    #[test]
    fn small_texts_become_no_more_than_the_budget() {
        for text in greedy() {
            let shown = &text[..text.len().min(80)];
            let options = ObjectOptions::default();
            let source = Source::new("greedy.s", text.as_str());
            let mut unit = Unit::new(&source, &options);
            unit.budget = small();
            unit.read();
            assert!(unit.texts.len() <= 3 * SMALL, "{} texts: {shown}", unit.texts.len());
            let expansions = unit.texts.iter().skip(1).map(|text| text.source.text.len());
            assert!(expansions.sum::<usize>() <= 64 * SMALL, "{shown}");
            assert!(unit.nodes.len() <= 8 * SMALL, "{} nodes: {shown}", unit.nodes.len());
            let bytes: usize = unit.sections.iter().map(|section| section.data.len()).sum();
            assert!(bytes <= (64 + 16) * SMALL, "{bytes} bytes: {shown}");

            let mut unit = Unit::new(&source, &options);
            unit.budget = small();
            let errors = unit.run().expect_err(shown);
            for error in errors {
                assert!(error.render(false).len() < 2_000, "{shown}");
            }
        }
    }
}
