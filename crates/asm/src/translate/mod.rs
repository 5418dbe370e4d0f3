//! Assembly text into the other dialect: instructions change, all else stays as it was written.
//!
//! Comments, labels, layout, operands stay; what the assemblers of the other dialect would misread
//! (marks of comments, names of directives) changes with the instructions. Both texts are assembled,
//! and a translation that is not the same object is an error. Text to text: reads no file.

mod directive;
mod opaque;
mod respell;
mod trivia;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use abide_diag::{Diagnostic, Source};
use abide_isa::Endian;

use crate::codes;
use crate::dialect::Dialect;
use crate::grammar::Grammar;
use crate::lexer::Lexer;
use crate::object::input::{Parameters, arguments, parameters, split};
use crate::object::{
    Loader, Message, Object, ObjectOptions, Semicolon, Style, assemble, settle, style_of,
};
use crate::reader::{Reader, span_of};
use crate::token::{Sign, Tok, Token, looks_like_register};

use directive::Change;
use opaque::{Kind, Outcome};
use respell::{Anything, Plain, Unspelled, respell};

/// How a text is translated.
#[allow(missing_debug_implementations, reason = "the loader is a function")]
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The dialect wanted.
    pub to: Dialect,
    /// The only dialect accepted; `None` takes either, line by line.
    pub from: Option<Dialect>,
    /// Whether `;` separates statements in the text or begins a comment.
    pub semicolon: Semicolon,
    /// The byte order of the objects that are compared.
    pub endian: Endian,
    /// What is included; `None` refuses to. Included files are not translated.
    pub loader: Option<Loader<'a>>,
}

impl Options<'_> {
    /// Into this dialect, from either.
    pub const fn to(to: Dialect) -> Self {
        let endian = Endian::Little;
        Options { to, from: None, semicolon: Semicolon::Auto, endian, loader: None }
    }
}

/// A text in the other dialect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Translated {
    /// The text.
    pub text: String,
    /// How many instructions were respelled.
    pub instructions: usize,
    /// Warnings; they point into the original.
    pub warnings: Vec<Message>,
}

/// Translates a text, and checks that it still means the same.
///
/// ```
/// use abide_asm::{Dialect, translate::{Options, translate}};
/// use abide_diag::Source;
///
/// let text = "\t.set SIZE, 4\nf:\tr0 = *(u32 *)(r1 + 2 * SIZE)\t# the third\n\texit\n";
/// let there = translate(&Source::new("f.s", text), &Options::to(Dialect::Gnu)).unwrap();
/// assert_eq!(
///     there.text,
///     "\t.set SIZE, 4\nf:\tldxw %r0,[%r1+2 * SIZE]\t/* the third */\n\texit\n",
/// );
/// ```
pub fn translate(source: &Source, options: &Options<'_>) -> Result<Translated, Vec<Message>> {
    // From here on each `;` separates.
    let source = &settle(source, options.semicolon);
    let style = style_of(&source.text, options.from);
    let settled = |name: &str| match options.loader {
        Some(loader) => loader(name).map(|source| settle(&source, options.semicolon)),
        None => Err("no files can be included here".to_owned()),
    };
    let assembled = |source: &Source, dialect, semicolon| {
        let options = ObjectOptions {
            dialect,
            endian: options.endian,
            style: Some(style),
            semicolon,
            loader: Some(&settled),
            ..ObjectOptions::default()
        };
        assemble(source, &options)
    };
    let original = assembled(source, options.from, Semicolon::Separator)?;
    let mut pass = Pass::new(source, options, style);
    pass.run();
    let message = |diagnostic| Message { diagnostic, source: source.clone() };
    if !pass.errors.is_empty() {
        return Err(pass.errors.into_iter().map(message).collect());
    }
    let name = format!("{} (translated)", source.name);
    let translated = Source::new(name, applied(&source.text, &mut pass.edits));
    let original = match pass.other.is_empty() {
        true => original,
        false => {
            let other = Source::new(source.name.clone(), applied(&source.text, &mut pass.other));
            assembled(&other, options.from, Semicolon::Separator)?
        }
    };
    // What is GNU's is read alike by binutils before and after 2.41.
    let readings: &[Semicolon] = match options.to {
        Dialect::Gnu => &[Semicolon::Separator, Semicolon::Comment],
        Dialect::C => &[Semicolon::Separator],
    };
    for semicolon in readings {
        let object = assembled(&translated, Some(options.to), *semicolon)
            .map_err(|errors| vec![refused(&errors, &translated)])?;
        if let Some(place) = difference(&original, &object) {
            return Err(vec![message(
                Diagnostic::error(&codes::TRANSLATION, "the translation is another program")
                    .in_place(place)
                    .help("macros whose parameters mean different things in different uses cannot be translated"),
            )]);
        }
    }
    let mut warnings = original.warnings;
    warnings.extend(pass.warnings.into_iter().map(message));
    Ok(Translated { text: translated.text.to_string(), instructions: pass.instructions, warnings })
}

/// The first error of a translation.
fn refused(errors: &[Message], translated: &Source) -> Message {
    let first = errors.first();
    let what = first.map_or("", |error| error.diagnostic.message.as_str());
    let error = Diagnostic::error(
        &codes::TRANSLATION,
        format!("the translation does not assemble: {what}"),
    );
    let (label, source) = match first {
        Some(first) => (first.diagnostic.primary.clone(), first.source.clone()),
        None => (None, translated.clone()),
    };
    let diagnostic = match label {
        Some(label) => error.at(label.span, label.text),
        None => error,
    };
    Message { diagnostic, source }
}

/// Where two objects differ first, if they do.
fn difference(a: &Object, b: &Object) -> Option<String> {
    use object::{Object as _, ObjectSection as _};
    if a.bytes == b.bytes {
        return None;
    }
    let (Ok(a), Ok(b)) = (object::File::parse(&*a.bytes), object::File::parse(&*b.bytes)) else {
        return Some("the object".to_owned());
    };
    for section in a.sections() {
        let Ok(name) = section.name() else { continue };
        let other = b.section_by_name(name).and_then(|other| other.data().ok()).unwrap_or_default();
        let data = section.data().unwrap_or_default();
        if let Some(at) =
            (0..data.len().max(other.len())).find(|at| data.get(*at) != other.get(*at))
        {
            return Some(format!("section {name}, at {at:#x}"));
        }
    }
    Some("the object's symbols or relocations".to_owned())
}

type Edits = Vec<(Range<usize>, String)>;

fn applied(text: &str, edits: &mut Edits) -> String {
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (span, new) in edits {
        out.push_str(&text[at..span.start]);
        out.push_str(new);
        at = span.end;
    }
    out.push_str(&text[at..]);
    out
}

/// A macro or repetition that the text is inside of: what its parameters stand for.
#[derive(Default)]
struct Block {
    known: HashMap<String, Kind>,
}

struct Pass<'a> {
    text: &'a str,
    options: &'a Options<'a>,
    style: Style,
    grammar: &'static Grammar,
    /// Macros and what the uses of each give its parameters.
    macros: HashMap<String, (Parameters, HashMap<String, Kind>)>,
    blocks: Vec<Block>,
    edits: Edits,
    /// What of this changes the object a little: the original with only that is compared.
    other: Edits,
    /// What has been warned of once.
    told: HashSet<String>,
    /// Whether `.file 0` has been seen.
    numbered: bool,
    instructions: usize,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl<'a> Pass<'a> {
    fn new(source: &'a Source, options: &'a Options<'a>, style: Style) -> Self {
        Pass {
            text: &source.text,
            options,
            style,
            grammar: Grammar::get(),
            macros: HashMap::new(),
            blocks: Vec::new(),
            edits: Vec::new(),
            other: Vec::new(),
            told: HashSet::new(),
            numbered: false,
            instructions: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn run(&mut self) {
        self.each(|pass, tokens| pass.learn(tokens));
        let (mut end, mut instruction) = (0, false);
        self.each(|pass, tokens| {
            let [first, .., last] = tokens else {
                let [only] = tokens else { return };
                pass.gap(end..only.start as usize, instruction, false);
                (end, instruction) = (only.end as usize, pass.statement(tokens));
                return;
            };
            pass.gap(end..first.start as usize, instruction, false);
            (end, instruction) = (last.end as usize, pass.statement(tokens));
        });
        self.gap(end..self.text.len(), instruction, true);
    }

    fn each(&mut self, mut with: impl FnMut(&mut Self, &[Token])) {
        let mut lexer = Lexer::new(self.text, &self.grammar.words);
        let mut tokens = Vec::new();
        while lexer.statement(&mut tokens) {
            with(self, &tokens);
        }
    }

    fn gap(&mut self, gap: Range<usize>, instruction: bool, ends_text: bool) {
        let all = trivia::trivia(self.text, gap);
        let to = self.options.to;
        trivia::edits(self.text, &all, to, instruction, ends_text, &mut self.edits);
    }

    fn of(&self, token: &Token) -> &'a str {
        &self.text[token.span()]
    }

    /// Without its labels.
    fn bare<'t>(&self, mut tokens: &'t [Token]) -> &'t [Token] {
        while let [_, Token { tok: Tok::Sign(Sign::Colon), .. }, rest @ ..] = tokens {
            tokens = rest;
        }
        tokens
    }

    /// Notes macros, and what their uses give their parameters.
    fn learn(&mut self, tokens: &[Token]) {
        let [first, rest @ ..] = self.bare(tokens) else { return };
        let name = self.of(first);
        let operands = &self.text[span_of(rest)];
        if let (".macro", [defined, rest @ ..]) = (name, rest) {
            if let Ok(parameters) = parameters(&self.text[span_of(rest)]) {
                self.macros.insert(self.of(defined).to_owned(), (parameters, HashMap::new()));
            }
            return;
        }
        let Some((parameters, known)) = self.macros.get_mut(name) else { return };
        let Ok(values) = arguments(parameters, operands) else { return };
        for (parameter, value) in parameters.names().zip(values) {
            let kind = Kind::of(&value);
            known
                .entry(parameter.to_owned())
                .and_modify(|before| {
                    if *before != kind {
                        *before = Kind::Mixed;
                    }
                })
                .or_insert(kind);
        }
    }

    /// Translates a statement; whether it is neither empty nor a directive.
    fn statement(&mut self, tokens: &[Token]) -> bool {
        let tokens = self.bare(tokens);
        let Some(first) = tokens.first() else { return false };
        if let [name, Token { tok: Tok::Sign(Sign::Assign), .. }, value, ..] = tokens
            && matches!(name.tok, Tok::Word(_) | Tok::Text)
            && !looks_like_register(self.of(name).as_bytes())
        {
            if self.options.to == Dialect::C && self.of(name) != "." {
                let set = format!(".set {}, ", self.of(name));
                self.edits.push((name.start as usize..value.start as usize, set));
            }
            return false;
        }
        if self.of(first).starts_with('.') {
            self.directive(tokens);
            return false;
        }
        if self.macros.contains_key(self.of(first)) {
            self.registers(&tokens[1..]);
        } else if self.text[span_of(tokens)].contains('\\') {
            self.with_parameters(tokens);
        } else {
            self.instruction(tokens);
        }
        true
    }

    fn instruction(&mut self, tokens: &[Token]) {
        if tokens.iter().any(|token| matches!(token.tok, Tok::Bad(_))) {
            return self.left(tokens);
        }
        let mut reader = Reader::default();
        let read = reader.read(self.text, tokens, self.options.from, Some(&Anything));
        let Ok(from) = read else { return self.left(tokens) };
        if from == self.options.to {
            return;
        }
        let op = opaque::spelled_as(&reader.bound);
        let written = Plain(self.text);
        match respell(&self.grammar.words, self.text, tokens, op, from, &written) {
            Ok(respelled) => self.replace(tokens, respelled),
            Err(Unspelled::None) => self.unspelled(tokens),
            Err(Unspelled::Form) => self.left(tokens),
        }
    }

    fn with_parameters(&mut self, tokens: &[Token]) {
        let mut known = HashMap::new();
        for block in &self.blocks {
            known.extend(block.known.iter().map(|(name, kind)| (name.clone(), *kind)));
        }
        match opaque::translate(&self.text[span_of(tokens)], self.options.to, &known) {
            Outcome::Respelled(respelled) => self.replace(tokens, respelled),
            Outcome::Same => {}
            Outcome::None => self.unspelled(tokens),
            Outcome::Unknown => self.left(tokens),
        }
    }

    /// Puts the new spelling in place of the old one; comments inside come before it.
    fn replace(&mut self, tokens: &[Token], respelled: respell::Respelled) {
        let span = span_of(tokens);
        let mut new = respelled.text;
        let mut comments = Vec::new();
        for two in tokens.windows(2) {
            let gap = two[0].end as usize..two[1].start as usize;
            comments.extend(trivia::trivia(self.text, gap));
        }
        for comment in comments {
            if let trivia::Trivia::Block(inside) = comment {
                new = format!("{} {new}", &self.text[inside]);
            }
        }
        if let Some(doubt) = respelled.doubt {
            self.warnings.push(
                Diagnostic::warning(&codes::ONE_ASSEMBLER, doubt)
                    .at(span.clone(), format!("becomes `{new}`"))
                    .note("Abide takes it, and so does GNU's assembler in pseudo-C"),
            );
        }
        self.instructions += 1;
        if new != self.text[span.clone()] {
            self.edits.push((span, new));
        }
    }

    fn unspelled(&mut self, tokens: &[Token]) {
        let (to, span) = (self.options.to, span_of(tokens));
        self.errors.push(
            Diagnostic::error(
                &codes::NO_SPELLING,
                format!("this instruction has no spelling in the {to} dialect"),
            )
            .at(span, "cannot be translated")
            .help("`abide asm` assembles it as it is; no assembler of that dialect has it"),
        );
    }

    fn left(&mut self, tokens: &[Token]) {
        self.warnings.push(
            Diagnostic::warning(&codes::LEFT, "this statement is left as it is")
                .at(span_of(tokens), "not known as an instruction")
                .note("it may be part of a macro, or of what a condition leaves out"),
        );
    }

    /// The registers among the arguments of a macro.
    fn registers(&mut self, tokens: &[Token]) {
        for token in tokens {
            let Tok::Register { reg, half, percent } = token.tok else { continue };
            let to = self.options.to;
            if percent == (to == Dialect::C) {
                self.edits.push((token.span(), respell::register(reg, half, to)));
            }
        }
    }

    fn directive(&mut self, tokens: &[Token]) {
        let [first, rest @ ..] = tokens else { return };
        let name = self.of(first);
        match (name, rest) {
            (".macro", [defined, ..]) => {
                let known = self.macros.get(self.of(defined)).map(|(_, known)| known.clone());
                self.blocks.push(Block { known: known.unwrap_or_default() });
            }
            (".irp" | ".irpc", [parameter, values @ ..]) => {
                let kinds =
                    split(&self.text[span_of(values)]).into_iter().filter(|v| !v.is_empty());
                let kind = kinds
                    .map(|value| if name == ".irpc" { Kind::Number } else { Kind::of(value) })
                    .reduce(|a, b| if a == b { a } else { Kind::Mixed });
                let known = kind.map(|kind| (self.of(parameter).to_owned(), kind));
                self.blocks.push(Block { known: known.into_iter().collect() });
                self.registers(values);
            }
            (".rept" | ".rep", _) => self.blocks.push(Block::default()),
            (".endm" | ".endmacro" | ".endr", _) => {
                self.blocks.pop();
            }
            (".include", _) => self.warnings.push(
                Diagnostic::warning(&codes::LEFT, "the included file is not translated")
                    .at(span_of(tokens), "")
                    .help("translate it by itself"),
            ),
            _ => {}
        }
        let change =
            directive::change(self.text, tokens, self.options.to, self.style, self.numbered);
        self.numbered |= name == ".file" && matches!(rest, [Token { tok: Tok::Number(0), .. }, ..]);
        let span = span_of(tokens);
        match change {
            None => {}
            Some(Change::Name(new)) => self.edits.push((first.span(), new.to_owned())),
            Some(Change::Other { from, to, text, equal }) => {
                let span = span_of(&tokens[from..to]);
                if !equal {
                    self.other.push((span.clone(), text.clone()));
                }
                self.edits.push((span, text));
            }
            Some(Change::LeftOut) => {
                let comment = format!("/* {} */", self.text[span.clone()].replace("*/", "* /"));
                self.edits.push((span.clone(), comment));
                self.other.push((span.clone(), String::new()));
                if self.told.insert(name.to_owned()) {
                    self.warnings.push(
                        Diagnostic::warning(
                            &codes::LEFT_OUT,
                            format!(
                                "`{name}` becomes a comment: GNU's assembler has nothing like it"
                            ),
                        )
                        .at(span, "the first one")
                        .note("it is for linkers and debuggers; no program changes"),
                    );
                }
            }
        }
    }
}
