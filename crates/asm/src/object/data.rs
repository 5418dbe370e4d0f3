//! Directives that make bytes.

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::lexer::Lexer;
use crate::object::Style;
use crate::object::relax::Counted;
use crate::object::section::{Fixup, Need, Part, PartKind, Wanted};
use crate::object::symbols::{Meaning, Origin};
use crate::object::unit::Unit;
use crate::object::value::{Cause, Node, NodeId, Parser, Wrong};
use crate::token::{Sign, Tok, Token, word_length};

/// The largest section without bytes.
const LARGEST_ZEROS: u64 = 1 << 40;

impl Unit<'_> {
    /// Parses an expression from token `at` on; gives the token after it.
    pub(super) fn expression(
        &mut self,
        text: &str,
        tokens: &[Token],
        at: usize,
    ) -> Option<(NodeId, usize)> {
        if let Some(Token { tok: Tok::Number(number), .. }) = tokens.get(at)
            && matches!(tokens.get(at + 1), None | Some(Token { tok: Tok::Sign(Sign::Comma), .. }))
        {
            return Some((self.node(Node::Number(i128::from(*number))), at + 1));
        }
        let mut parser = Parser::new(self, text, tokens, at);
        match parser.parse() {
            Ok(node) => {
                let after = parser.at;
                Some((node, after))
            }
            Err(wrong) => {
                self.wrong(text, tokens, &wrong);
                None
            }
        }
    }

    fn wrong(&mut self, text: &str, tokens: &[Token], wrong: &Wrong) {
        let token = tokens.get(wrong.at);
        let end = tokens.last().map_or(self.directive.end, |last| last.end as usize);
        let span = token.map_or(end..end, |token| token.span());
        let found =
            token.map_or("the end".to_owned(), |token| format!("`{}`", &text[token.span()]));
        let error = match wrong.why {
            Cause::Expected(what) => {
                Diagnostic::error(&codes::EXPECTED, format!("expected {what}, found {found}"))
                    .at(span, "unexpected")
            }
            Cause::Register => Diagnostic::error(
                &codes::NO_REGISTER,
                format!("expected a number or a symbol, found {found}"),
            )
            .at(span, "the name of a register is no symbol"),
            Cause::TooDeep => Diagnostic::error(
                &codes::EXPRESSION,
                "this expression cannot be evaluated: it is nested too deeply",
            )
            .at(span, ""),
        };
        self.error(error);
    }

    /// An expression that ends the statement.
    pub(super) fn last_expression(
        &mut self,
        text: &str,
        tokens: &[Token],
        at: usize,
    ) -> Option<NodeId> {
        let (node, after) = self.expression(text, tokens, at)?;
        self.ended(text, tokens, after).then_some(node)
    }

    /// Whether the statement ends before token `at`; reports it if not.
    pub(super) fn ended(&mut self, text: &str, tokens: &[Token], at: usize) -> bool {
        let Some(token) = tokens.get(at) else { return true };
        let found = &text[token.span()];
        self.error(
            Diagnostic::error(
                &codes::EXPECTED,
                format!("expected `,` or the end of the line, found `{found}`"),
            )
            .at(token.span(), "unexpected"),
        );
        false
    }

    /// The only operand, a number.
    pub(super) fn one_number(&mut self, text: &str, tokens: &[Token]) -> Option<i128> {
        if self.bad(tokens) {
            return None;
        }
        let node = self.last_expression(text, tokens, 0)?;
        let span = crate::reader::span_of(tokens);
        self.number(node, span)
    }

    fn number(&mut self, node: NodeId, span: Span) -> Option<i128> {
        match self.constant(node) {
            Ok(number) => Some(number),
            Err(why) => {
                self.error(
                    Diagnostic::error(
                        &codes::EXPRESSION,
                        format!("this expression cannot be evaluated: {why}"),
                    )
                    .at(span, ""),
                );
                None
            }
        }
    }

    /// All operands, as expressions between commas.
    pub(super) fn list(&mut self, text: &str, tokens: &[Token]) -> Option<Vec<(NodeId, Span)>> {
        let (mut out, mut at) = (Vec::new(), 0);
        if tokens.is_empty() {
            return Some(out);
        }
        loop {
            let start = at;
            let (node, after) = self.expression(text, tokens, at)?;
            out.push((node, crate::reader::span_of(&tokens[start..after])));
            match tokens.get(after) {
                Some(Token { tok: Tok::Sign(Sign::Comma), .. }) => at = after + 1,
                _ => return self.ended(text, tokens, after).then_some(out),
            }
        }
    }

    fn numbers(&mut self, text: &str, tokens: &[Token]) -> Option<Vec<i128>> {
        let list = self.list(text, tokens)?;
        list.into_iter().map(|(node, span)| self.number(node, span)).collect()
    }

    /// Whether bytes can be put here; reports it if not.
    pub(super) fn has_bytes(&mut self, span: Span) -> bool {
        if !self.current().is_empty_kind() {
            return true;
        }
        let name = self.current().name.clone();
        self.error(
            Diagnostic::error(
                &codes::NO_BYTES,
                format!("the section {name} has no bytes, only a size"),
            )
            .at(span, "cannot be put there"),
        );
        false
    }

    /// `.byte 1, 2`: numbers of `size` bytes each. Most are a single number, which needs no tokens.
    pub(super) fn data(&mut self, text: &str, name: &Span, size: u8, lexer: &mut Lexer<'_>) {
        let bytes = text.as_bytes();
        let mut at = lexer.at;
        while let Some(b' ' | b'\t') = bytes.get(at) {
            at += 1;
        }
        let (mut number, start) = (0u64, at);
        while let Some(digit @ b'0'..=b'9') = bytes.get(at).filter(|_| at < start + 9) {
            number = number * 10 + u64::from(digit - b'0');
            at += 1;
        }
        let plain = at > start && (bytes[start] != b'0' || at == start + 1);
        while let (true, Some(b' ' | b'\t')) = (plain, bytes.get(at)) {
            at += 1;
        }
        let whole = plain && matches!(bytes.get(at), Some(b'\n'));
        if whole && size < 16 && !self.current().is_empty_kind() && fits(i128::from(number), size) {
            lexer.at = at + 1;
            self.put(i128::from(number), size);
            return;
        }
        let mut tokens = Vec::new();
        lexer.statement(&mut tokens);
        if self.bad(&tokens) {
            return;
        }
        let Some(list) = self.list(text, &tokens) else { return };
        for (node, span) in list {
            match self.constant(node) {
                // Compilers write zeros into sections that have nothing else.
                Ok(0) if self.current().is_empty_kind() => {
                    self.current().zeros += u64::from(size);
                }
                _ if !self.has_bytes(name.clone()) => return,
                Ok(number) if fits(number, size) => self.put(number, size),
                Ok(number) => {
                    self.error(
                        Diagnostic::error(
                            &codes::NUMBER_RANGE,
                            match size {
                                1 => format!("{number} does not fit into a byte"),
                                _ => format!("{number} does not fit into {size} bytes"),
                            },
                        )
                        .at(span, "out of range"),
                    );
                    return;
                }
                Err(_) => {
                    let origin = self.origin(span);
                    let place = self.place_here();
                    let wanted = Wanted::Node(node);
                    let need = Need::Data(size);
                    let (fixed, parts) = (place.fixed, place.parts);
                    let far = false;
                    self.current().fixups.push(Fixup { fixed, parts, need, wanted, origin, far });
                    self.put(0, size);
                }
            }
        }
    }

    pub(super) fn put(&mut self, number: i128, size: u8) {
        let big = self.options.endian == abide_isa::Endian::Big;
        let size = usize::from(size);
        let data = &mut self.current().data;
        if big {
            data.extend_from_slice(&number.to_be_bytes()[16 - size..]);
        } else {
            data.extend_from_slice(&number.to_le_bytes()[..size]);
        }
    }

    /// `.ascii`, `.asciz`.
    pub(super) fn strings(&mut self, text: &str, tokens: &[Token], name: &Span, zero: bool) {
        if !self.has_bytes(name.clone()) {
            return;
        }
        let mut at = 0;
        while at < tokens.len() {
            let mut any = false;
            while let Some(token) = tokens.get(at).filter(|token| token.tok == Tok::Text) {
                let Some(bytes) = self.string(text, *token) else { return };
                self.current().data.extend_from_slice(&bytes);
                (at, any) = (at + 1, true);
            }
            if !any {
                let found = &text[tokens[at].span()];
                self.error(
                    Diagnostic::error(
                        &codes::EXPECTED,
                        format!("expected a string in quotes, found `{found}`"),
                    )
                    .at(tokens[at].span(), "unexpected"),
                );
                return;
            }
            if zero {
                self.current().data.push(0);
            }
            match tokens.get(at) {
                Some(Token { tok: Tok::Sign(Sign::Comma), .. }) => at += 1,
                _ => {
                    self.ended(text, tokens, at);
                    return;
                }
            }
        }
    }

    /// The bytes of a string.
    pub(super) fn string(&mut self, text: &str, token: Token) -> Option<Vec<u8>> {
        let inner = &text.as_bytes()[token.start as usize + 1..token.end as usize - 1];
        let mut out = Vec::with_capacity(inner.len());
        if text[token.span()].contains(char::REPLACEMENT_CHARACTER) {
            // What the bytes were is not known any more.
            let message = "this string has bytes that are not UTF-8";
            self.error(
                Diagnostic::error(&codes::BAD_TOKEN, message)
                    .at(token.span(), "")
                    .help("write such bytes as octal escapes: `\\377`"),
            );
            return None;
        }
        let mut rest = inner;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            let Some((&escaped, after)) = rest.split_first() else { break };
            let digits = |radix: u32, most: usize, from: &[u8]| {
                let is = |byte: &&u8| char::from(**byte).is_digit(radix);
                let count = from.iter().take(most).take_while(is).count();
                let value = from[..count].iter().fold(0u32, |value, digit| {
                    value.wrapping_mul(radix) + char::from(*digit).to_digit(radix).unwrap_or(0)
                });
                (value as u8, count)
            };
            let (value, length) = match escaped {
                b'n' => (b'\n', 1),
                b't' => (b'\t', 1),
                b'r' => (b'\r', 1),
                b'b' => (8, 1),
                b'f' => (12, 1),
                b'v' => (11, 1),
                b'a' => (7, 1),
                b'\\' | b'"' | b'\'' => (escaped, 1),
                b'0'..=b'7' => digits(8, 3, rest),
                b'x' | b'X' if after.first().is_some_and(u8::is_ascii_hexdigit) => {
                    let (value, count) = digits(16, after.len(), after);
                    (value, count + 1)
                }
                _ => {
                    self.error(
                        Diagnostic::error(&codes::BAD_TOKEN, "this string has an unknown escape")
                            .at(token.span(), ""),
                    );
                    return None;
                }
            };
            out.push(value);
            rest = &rest[length..];
        }
        Some(out)
    }

    /// So many bytes of one value.
    pub(super) fn fill(&mut self, count: i128, pattern: &[u8], span: Span) {
        let bytes =
            u64::try_from(count).ok().and_then(|count| count.checked_mul(pattern.len() as u64));
        let zero = pattern.iter().all(|byte| *byte == 0);
        let section = self.current();
        let empty = section.is_empty_kind();
        let zeros = section.fixed();
        let fits = |bytes: &u64| match empty {
            true => bytes.checked_add(zeros).is_some_and(|all| all <= LARGEST_ZEROS),
            false => self.budget.fill(*bytes),
        };
        let Some(bytes) = bytes.filter(fits) else {
            self.error(
                Diagnostic::error(
                    &codes::NUMBER_RANGE,
                    format!("a section cannot have {count} bytes here"),
                )
                .at(span, "negative, or too large"),
            );
            return;
        };
        let section = self.current();
        if !empty {
            let repeats = bytes as usize / pattern.len().max(1);
            for _ in 0..if zero { 0 } else { repeats } {
                section.data.extend_from_slice(pattern);
            }
            if zero {
                section.data.resize(section.data.len() + bytes as usize, 0);
            }
        } else if zero {
            section.zeros += bytes;
        } else {
            self.has_bytes(span);
        }
    }

    /// `.zero COUNT, VALUE`
    pub(super) fn zero(&mut self, text: &str, tokens: &[Token], name: &Span) {
        let span = crate::reader::span_of(tokens);
        match self.numbers(text, tokens).as_deref() {
            Some([count]) => self.fill(*count, &[0], span),
            Some([count, value]) => self.fill(*count, &[*value as u8], span),
            Some(_) => self.operands(name, "a number of bytes, and a value for them"),
            None => {}
        }
    }

    /// `.fill COUNT, SIZE, VALUE`
    pub(super) fn fill_directive(&mut self, text: &str, tokens: &[Token], name: &Span) {
        let span = crate::reader::span_of(tokens);
        let Some(numbers) = self.numbers(text, tokens) else { return };
        let (count, size, value) = match numbers[..] {
            [count] => (count, 1, 0),
            [count, size] => (count, size, 0),
            [count, size, value] => (count, size, value),
            _ => return self.operands(name, "a count, a size and a value"),
        };
        let Some(size) = usize::try_from(size).ok().filter(|size| (1..=8).contains(size)) else {
            return self.operands(name, "a size from 1 to 8");
        };
        let pattern = match self.options.endian {
            abide_isa::Endian::Little => value.to_le_bytes()[..size].to_vec(),
            abide_isa::Endian::Big => value.to_be_bytes()[16 - size..].to_vec(),
        };
        self.fill(count, &pattern, span);
    }

    /// `.org`, and `. = `.
    pub(super) fn origin_to(&mut self, node: NodeId, origin: Origin) {
        let here = self.here();
        let to = match self.evaluate(node) {
            Ok(value) => {
                match (value.plus.map(|symbol| self.symbols.get(symbol).meaning), value.minus) {
                    (None, None) => Some(value.number),
                    (Some(Meaning::Label(place)), None) if place.section == self.section => {
                        Some(i128::from(self.offset(place)) + value.number)
                    }
                    _ => None,
                }
            }
            Err(_) => None,
        };
        let Meaning::Label(place) = self.symbols.get(here).meaning else { return };
        match to.filter(|_| place.parts == 0) {
            Some(to) => {
                self.fill(to - i128::from(place.fixed), &[0], origin.span());
                let to = self.place_here().fixed;
                self.current().counted.push(Counted { from: 0, to, origin });
            }
            None => {
                let message = "the place to go on at must be known, and be in this section";
                self.error_at(origin, Diagnostic::error(&codes::EXPRESSION, message), "");
            }
        }
    }

    pub(super) fn operands(&mut self, name: &Span, what: &str) {
        self.error(
            Diagnostic::error(&codes::EXPECTED, format!("expected {what}")).at(name.clone(), ""),
        );
    }

    /// `.align`, `.balign`, `.p2align`.
    pub(super) fn align(&mut self, text: &str, tokens: &[Token], name: &Span) {
        // Operands may be left out: `.p2align 3,,7`.
        let mut operands: Vec<Option<i128>> = Vec::new();
        for piece in tokens.split(|token| token.tok == Tok::Sign(Sign::Comma)) {
            if piece.is_empty() {
                operands.push(None);
                continue;
            }
            let Some(number) = self.one_number(text, piece) else { return };
            operands.push(Some(number));
        }
        let Some(Some(number)) = operands.first().copied() else {
            return self.operands(name, "an alignment");
        };
        let power = match &text[name.clone()] {
            ".align" => self.style == Style::Gnu,
            word => word.starts_with(".p2align"),
        };
        let to = match (power, u64::try_from(number)) {
            (true, Ok(number)) if number < 32 => Some(1 << number),
            (false, Ok(0)) => Some(1),
            (false, Ok(number)) if number.is_power_of_two() && number < 1 << 32 => Some(number),
            _ => None,
        };
        let Some(to) = to else {
            let span = crate::reader::span_of(tokens);
            let what = if power { "a power below 32" } else { "a power of two" };
            self.error(
                Diagnostic::error(&codes::NUMBER_RANGE, format!("an alignment is {what}"))
                    .at(span, "no alignment"),
            );
            return;
        };
        let fill = operands.get(1).copied().flatten().unwrap_or(0) as u8;
        let most = operands.get(2).copied().flatten().and_then(|most| u64::try_from(most).ok());
        let most = most.unwrap_or(u64::MAX);
        let origin = self.origin(name.clone());
        let section = self.current();
        section.align = section.align.max(to);
        // Longer jumps add whole pairs of slots.
        if section.parts.is_empty() && (to <= 16 || section.jumps.is_empty()) {
            let by = section.fixed().wrapping_neg() & (to - 1);
            if by <= most {
                self.fill(i128::from(by), &[fill], name.clone());
            }
        } else {
            let fixed = section.fixed();
            let kind = PartKind::Align { to, fill, most };
            section.parts.push(Part { fixed, kind, size: 0, origin });
        }
    }

    /// `.uleb128`, `.sleb128`.
    pub(super) fn leb(&mut self, text: &str, tokens: &[Token], name: &Span, sign: bool) {
        if !self.has_bytes(name.clone()) {
            return;
        }
        let Some(list) = self.list(text, tokens) else { return };
        for (node, span) in list {
            let origin = self.origin(span);
            match self.constant(node) {
                Ok(number) => {
                    let mut bytes = Vec::new();
                    if leb(&mut bytes, number, sign) {
                        self.current().data.extend_from_slice(&bytes);
                    } else {
                        let error = Diagnostic::error(
                            &codes::NUMBER_RANGE,
                            format!("{number} cannot be written so"),
                        );
                        self.error_at(origin, error, "out of range");
                    }
                }
                Err(_) => {
                    let kind = if sign { PartKind::Signed(node) } else { PartKind::Unsigned(node) };
                    let section = self.current();
                    let fixed = section.fixed();
                    section.parts.push(Part { fixed, kind, size: 1, origin });
                }
            }
        }
    }

    /// `.bpf.api "linux@LINUX_6.5"`: what the program was written for, as its own section.
    pub(super) fn api(&mut self, text: &str, tokens: &[Token], name: &Span) {
        let [Token { tok: Tok::Text, .. }] = tokens else {
            return self.operands(name, "an API and its node in quotes, as in \"linux@LINUX_6.5\"");
        };
        let Some(bytes) = self.string(text, tokens[0]) else { return };
        // The names that readers of the section take.
        let is_name = |name: &[u8]| {
            let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
            !name.is_empty() && name.iter().all(fits)
        };
        let at = bytes.iter().position(|byte| *byte == b'@');
        let names = at.map(|at| (&bytes[..at], &bytes[at + 1..]));
        if !names.is_some_and(|(api, node)| is_name(api) && is_name(node)) || bytes.len() > 256 {
            return self.operands(name, "an API and its node in quotes, as in \"linux@LINUX_6.5\"");
        }
        let before = (self.section, self.previous);
        self.go_to_usual(".bpf.api");
        let section = self.current();
        section.flags = crate::object::section::ALLOC;
        section.data.extend_from_slice(&bytes);
        section.data.push(0);
        (self.section, self.previous) = before;
    }
}

/// Whether a number, signed or not, fits into so many bytes.
pub(super) fn fits(number: i128, size: u8) -> bool {
    let bits = u32::from(size) * 8;
    size >= 16 || number >= -(1 << (bits - 1)) && number < 1 << bits
}

/// Appends a number in LEB128; false if it cannot be written.
pub(super) fn leb(out: &mut Vec<u8>, number: i128, sign: bool) -> bool {
    match (sign, i64::try_from(number), u64::try_from(number)) {
        (true, Ok(number), _) => crate::object::lines::signed(out, number),
        (false, _, Ok(number)) => crate::object::lines::unsigned(out, number),
        _ => return false,
    }
    true
}

/// Whether a text is the name of a symbol.
pub(super) fn is_name(text: &str) -> bool {
    word_length(text.as_bytes()) == text.len() && !text.is_empty()
}
