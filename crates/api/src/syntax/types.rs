//! C types, declarators, parameter lists and numbers. Whether a name is known is asked later.

use abide_diag::{Diagnostic, Span, printable};

use super::ast::{Name, TypeUse};
use super::cursor::{Cursor, Parsed, Reported};
use super::lexer::Kind;
use crate::codes;
use crate::ctype::CType;
use crate::model::{Param, Prototype};

/// How deep declarators, structs and expressions may nest.
pub(crate) const DEPTH_LIMIT: usize = 32;

/// What a declarator adds to the type before it, nearest to the name first.
enum Step {
    Pointer { constant: bool },
    Array(u32),
    Function(Vec<CType>),
}

/// A declarator: the name, if there is one, and the type.
pub(crate) struct Declared {
    pub(crate) name: Option<Name>,
    pub(crate) ty: CType,
}

impl Cursor {
    /// `const struct kv_entry`, `unsigned long`, `u32`.
    pub(crate) fn base_type(&mut self) -> Parsed<CType> {
        let start = self.span();
        let mut constant = false;
        let mut words: Vec<String> = Vec::new();
        let mut base: Option<CType> = None;
        while let Some(word) = self.word().map(str::to_owned) {
            match word.as_str() {
                "const" => {
                    self.bump();
                    constant = true;
                }
                "signed" | "unsigned" | "char" | "short" | "int" | "long" if base.is_none() => {
                    self.bump();
                    words.push(word);
                }
                _ if base.is_some() || !words.is_empty() => break,
                "struct" | "union" | "enum" => {
                    self.bump();
                    if self.at_mark('{') {
                        return Err(self.unnamed(&word));
                    }
                    let name = self.name(&format!("the name of the {word}"))?.text;
                    base = Some(match word.as_str() {
                        "struct" => CType::Struct(name),
                        "union" => CType::Union(name),
                        _ => CType::Enum(name),
                    });
                }
                "volatile" | "restrict" | "float" | "double" | "static" | "inline" | "extern"
                | "register" | "_Atomic" | "__int128" => {
                    let span = self.bump().span;
                    return Err(self.report(
                        Diagnostic::error(
                            &codes::A_BAD_TYPE,
                            format!("`{word}` is not part of a type here"),
                        )
                        .at(span, "")
                        .help("types are integers, typedefs, structs, unions, enums, and pointers to them"),
                    ));
                }
                _ => {
                    let name = self.name("a type")?.text;
                    base = Some(match name.as_str() {
                        "void" => CType::Void,
                        _ => CType::int(&name).unwrap_or(CType::Named(name)),
                    });
                }
            }
        }
        let ty = match base {
            Some(ty) => ty,
            None if words.is_empty() => return Err(self.expected("a type")),
            None => {
                let Some(ty) = integer(&words) else {
                    let message = format!("`{}` is not a type of C", words.join(" "));
                    let span = self.since(&start);
                    return Err(self.error(&codes::A_BAD_TYPE, message, span));
                };
                ty
            }
        };
        Ok(if constant { CType::Const(Box::new(ty)) } else { ty })
    }

    fn unnamed(&mut self, word: &str) -> Reported {
        let span = self.span();
        self.report(
            Diagnostic::error(&codes::A_BAD_TYPE, format!("this {word} needs a name"))
                .at(span, "")
                .help(format!("declare `{word} NAME {{ … }};` before, and use `{word} NAME`")),
        )
    }

    /// What follows the base type: `*name`, `name[4]`, `(*name)(u32)`.
    pub(crate) fn declarator(&mut self, base: CType) -> Parsed<Declared> {
        let start = self.span();
        let mut steps = Vec::new();
        let name = self.steps(&mut steps, 0)?;
        let span = if steps.is_empty() && name.is_none() { start } else { self.since(&start) };
        let mut ty = base;
        let mut function: Option<Vec<CType>> = None;
        for step in steps.into_iter().rev() {
            let wrong = match (step, function.take()) {
                (Step::Pointer { constant: false }, Some(params)) => {
                    ty = CType::Function(Box::new(ty), params);
                    None
                }
                (Step::Pointer { constant }, None) => {
                    ty = CType::Pointer(Box::new(ty));
                    if constant {
                        ty = CType::Const(Box::new(ty));
                    }
                    None
                }
                (Step::Array(_), None) if matches!(ty.unqualified(), CType::Void) => {
                    Some("there are no arrays of void")
                }
                (Step::Array(count), None) => {
                    ty = CType::Array(Box::new(ty), count);
                    None
                }
                (Step::Function(_), None) if matches!(ty.unqualified(), CType::Array(..)) => {
                    Some("a function cannot return an array")
                }
                (Step::Function(params), None) => {
                    function = Some(params);
                    None
                }
                (Step::Pointer { .. }, Some(_)) => Some("a pointer to a function cannot be const"),
                (_, Some(_)) => Some("only a pointer to a function may stand here"),
            };
            if let Some(wrong) = wrong {
                return Err(self.error(&codes::A_BAD_TYPE, wrong, span));
            }
        }
        // As in C, a parameter of function type is a pointer to it.
        if let Some(params) = function {
            ty = CType::Function(Box::new(ty), params);
        }
        Ok(Declared { name, ty })
    }

    fn steps(&mut self, steps: &mut Vec<Step>, depth: usize) -> Parsed<Option<Name>> {
        if depth > DEPTH_LIMIT {
            return Err(self.too_deep());
        }
        let mut stars = Vec::new();
        while self.eat_mark('*') {
            stars.push(self.eat_word("const"));
            if stars.len() > DEPTH_LIMIT {
                return Err(self.too_deep());
            }
        }
        let name = if self.eat_mark('(') {
            let name = self.steps(steps, depth + 1)?;
            self.expect_mark(')')?;
            name
        } else if self.word().is_some() {
            Some(self.name("a name")?)
        } else {
            None
        };
        loop {
            if steps.len() > DEPTH_LIMIT {
                return Err(self.too_deep());
            }
            if self.eat_mark('[') {
                let (count, span) = self.number()?;
                let Some(count) = u32::try_from(count).ok().filter(|count| *count > 0) else {
                    let message = format!("an array cannot have {count} elements");
                    return Err(self.error(&codes::A_BAD_NUMBER, message, span));
                };
                self.expect_mark(']')?;
                steps.push(Step::Array(count));
            } else if self.at_mark('(') {
                steps.push(Step::Function(self.function_params(depth + 1)?));
            } else {
                break;
            }
        }
        steps.extend(stars.into_iter().rev().map(|constant| Step::Pointer { constant }));
        Ok(name)
    }

    pub(crate) fn too_deep(&mut self) -> Reported {
        let span = self.span();
        let message = format!("nested more than {DEPTH_LIMIT} deep");
        self.error(&codes::A_TOO_DEEP, message, span)
    }

    /// The parameters of a function pointer: types, names perhaps.
    fn function_params(&mut self, depth: usize) -> Parsed<Vec<CType>> {
        if depth > DEPTH_LIMIT {
            return Err(self.too_deep());
        }
        let mut params = Vec::new();
        self.expect_mark('(')?;
        if self.eat_mark(')') {
            return Ok(params);
        }
        loop {
            let base = self.base_type()?;
            if base == CType::Void && params.is_empty() && self.eat_mark(')') {
                return Ok(params);
            }
            let mut steps = Vec::new();
            // A function pointer that takes function pointers is beyond what hosts need.
            self.steps(&mut steps, depth + 1)?;
            let mut ty = base;
            for step in steps.into_iter().rev() {
                ty = match step {
                    Step::Pointer { constant: false } => CType::Pointer(Box::new(ty)),
                    Step::Pointer { constant: true } => {
                        CType::Const(Box::new(CType::Pointer(Box::new(ty))))
                    }
                    Step::Array(_) | Step::Function(_) => {
                        let span = self.before();
                        let message = "a function pointer takes scalars and pointers only";
                        return Err(self.error(&codes::A_BAD_TYPE, message, span));
                    }
                };
            }
            params.push(ty);
            if !self.eat_mark(',') {
                break;
            }
        }
        self.expect_mark(')')?;
        Ok(params)
    }

    /// `long kv_read(const void *key, u32 key__sz)`; the types that it names go to `uses`.
    pub(crate) fn prototype(&mut self, uses: &mut Vec<TypeUse>) -> Parsed<(Name, Prototype)> {
        let start = self.span();
        let mut returns = self.base_type()?;
        let mut stars = 0;
        while self.eat_mark('*') {
            stars += 1;
            if stars > DEPTH_LIMIT {
                return Err(self.too_deep());
            }
            returns = CType::Pointer(Box::new(returns));
            if self.eat_word("const") {
                returns = CType::Const(Box::new(returns));
            }
        }
        uses.push(TypeUse { ty: returns.clone(), span: self.since(&start) });
        let name = self.name("the name of the function")?;
        let (params, variadic) = self.params(uses)?;
        Ok((name, Prototype { returns, params, variadic, contract: Default::default() }))
    }

    /// A parameter list with its parentheses.
    pub(crate) fn params(&mut self, uses: &mut Vec<TypeUse>) -> Parsed<(Vec<Param>, bool)> {
        let mut params: Vec<Param> = Vec::new();
        self.expect_mark('(')?;
        if self.eat_mark(')') {
            return Ok((params, false));
        }
        loop {
            let start = self.span();
            if !params.is_empty() && self.peek().kind == Kind::Ellipsis {
                self.bump();
                self.expect_mark(')')?;
                return Ok((params, true));
            }
            let base = self.base_type()?;
            if base == CType::Void && params.is_empty() && self.eat_mark(')') {
                return Ok((params, false));
            }
            let declared = self.declarator(base)?;
            let span = self.since(&start);
            let Some(name) = declared.name else {
                return Err(self.report(
                    Diagnostic::error(&codes::A_EXPECTED, "this parameter has no name")
                        .at(span, "")
                        .help("parameters are named: the contract is in the suffix of the name"),
                ));
            };
            uses.push(TypeUse { ty: declared.ty.clone(), span: span.clone() });
            params.push(Param { name: name.text, ty: declared.ty, span });
            if !self.eat_mark(',') {
                break;
            }
        }
        self.expect_mark(')')?;
        Ok((params, false))
    }

    /// Digits, decimal or hexadecimal, with C's suffixes.
    pub(crate) fn number(&mut self) -> Parsed<(u64, Span)> {
        let Kind::Number(text) = self.peek().kind.clone() else {
            return Err(self.expected("a number"));
        };
        let span = self.bump().span;
        let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
        let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
        let octal = hex.is_none() && digits.len() > 1 && digits.starts_with('0');
        let value = match hex {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => digits.parse().ok().filter(|_| !octal),
        };
        value.map(|value| (value, span.clone())).ok_or_else(|| {
            let what = printable(&text).into_owned();
            let mut error =
                Diagnostic::error(&codes::A_BAD_NUMBER, format!("`{what}` is not a number"))
                    .at(span, "");
            if octal {
                error = error.help("octal is not understood: write it in decimal");
            } else if digits.bytes().all(|byte| byte.is_ascii_digit()) {
                error = error.help("it does not fit in 64 bits");
            }
            self.report(error)
        })
    }

    /// A number that fits, perhaps with `-`.
    pub(crate) fn signed(&mut self) -> Parsed<(i64, Span)> {
        let start = self.span();
        let negative = self.eat_mark('-');
        let (value, _) = self.number()?;
        let span = self.since(&start);
        let value = if negative { -i128::from(value) } else { i128::from(value) };
        match i64::try_from(value) {
            Ok(value) => Ok((value, span)),
            Err(_) => {
                let message = format!("{value} does not fit in 64 bits with a sign");
                Err(self.error(&codes::A_BAD_NUMBER, message, span))
            }
        }
    }
}

/// The arithmetic type of words in any order: `long unsigned int` is `unsigned long`.
fn integer(words: &[String]) -> Option<CType> {
    let count = |what: &str| words.iter().filter(|word| *word == what).count();
    let (signed, unsigned) = (count("signed"), count("unsigned"));
    let (char, short, int, long) = (count("char"), count("short"), count("int"), count("long"));
    if signed + unsigned > 1 || int > 1 {
        return None;
    }
    let spelling = match (char, short, long, int) {
        (1, 0, 0, 0) if signed == 1 => "signed char",
        (1, 0, 0, 0) if unsigned == 1 => "unsigned char",
        (1, 0, 0, 0) => "char",
        (0, 1, 0, _) if unsigned == 1 => "unsigned short",
        (0, 1, 0, _) => "short",
        (0, 0, 1, _) if unsigned == 1 => "unsigned long",
        (0, 0, 1, _) => "long",
        (0, 0, 2, _) if unsigned == 1 => "unsigned long long",
        (0, 0, 2, _) => "long long",
        (0, 0, 0, _) if unsigned == 1 => "unsigned int",
        (0, 0, 0, _) => "int",
        _ => return None,
    };
    CType::int(spelling)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::lexer::lex;

    fn declare(text: &str) -> Option<String> {
        let mut cursor = Cursor::new(lex(text));
        let base = cursor.base_type().ok()?;
        let declared = cursor.declarator(base).ok()?;
        cursor
            .done()
            .then(|| declared.ty.declare(&declared.name.map_or_else(String::new, |n| n.text)))
    }

    #[test]
    fn declarators_mean_what_c_means() {
        for text in [
            "u32 x",
            "const void *x",
            "u8 *const x",
            "struct s **x",
            "char x[4][8]",
            "u32 (*x)[4]",
            "u32 *x[4]",
            "int (*x)(void *, const u32 *)",
            "void *(*x)(void)",
            "unsigned long long x",
        ] {
            assert_eq!(declare(text).as_deref(), Some(text));
        }
        assert_eq!(declare("long unsigned int x").as_deref(), Some("unsigned long x"));
        assert_eq!(declare("u32 const x").as_deref(), Some("const u32 x"));
        assert_eq!(declare("int (x)(u32 a)").as_deref(), Some("int (*x)(u32)"));
    }

    #[test]
    fn what_is_no_type_is_refused() {
        let deep = format!("int {}x{}", "(".repeat(100), ")".repeat(100));
        let stars = format!("int {}x", "*".repeat(1000));
        for text in [
            "unsigned signed x",
            "float x",
            "long char x",
            "int x[0]",
            "struct { x",
            &deep,
            &stars,
            "int (*const x)(void)",
            "void x[2]",
            "int x[2](void)",
            "int (*x)(int y[2])",
            "",
        ] {
            assert_eq!(declare(text), None, "{text}");
        }
    }
}
