//! Definitions: their types, layouts and parameters, against what is known at their node.

use abide_diag::{Diagnostic, Span, nearest};

use super::ast::{Item, ItemKind, Name, Struct, Words};
use super::layout::{Trouble, Types, lay_out};
use super::resolve::Resolver;
use crate::codes;
use crate::ctype::CType;
use crate::model::{
    Caller, DefKind, Definition, EnumType, Field, Group, NodeId, Param, ProgramType, Prototype,
    StructType, Suffix,
};
use crate::query::Namespace;

/// BPF passes arguments in r1 to r5.
const MOST_PARAMS: usize = 5;

impl Resolver {
    pub(crate) fn definition(&mut self, node: NodeId, item: Item) {
        let namespace = match &item.kind {
            ItemKind::Helper { .. } | ItemKind::Kfunc { .. } => Namespace::Callable,
            ItemKind::Program { .. } => Namespace::Program,
            ItemKind::Map => Namespace::Map,
            ItemKind::Rights => Namespace::Rights,
            ItemKind::Ability(_) => Namespace::Ability,
            ItemKind::Struct(_) | ItemKind::Enum { .. } => Namespace::Tag,
            ItemKind::Typedef(_) => Namespace::Typedef,
        };
        let name = item.name.text.clone();
        if namespace == Namespace::Typedef && (CType::int(&name).is_some() || name == "void") {
            let message = format!("`{name}` is a type of the language");
            self.error(&codes::A_DUPLICATE, message, &item.name.span);
            return;
        }
        let twice = self.api.definitions_of(namespace, &name).iter().copied();
        if let Some(first) = twice.rev().find(|id| self.api.definition(*id).node == node) {
            let first = self.api.definition(first).name_span.clone();
            self.diagnostics.push(
                Diagnostic::error(
                    &codes::A_DUPLICATE,
                    format!("`{name}` is defined twice in one node"),
                )
                .at(item.name.span.clone(), "")
                .also(first, "first here"),
            );
            return;
        }
        // Reported once per type and statement, not once per use.
        let mut said: Vec<String> = Vec::new();
        for used in &item.uses {
            let types = Types { api: &self.api, node };
            if let Err(trouble) = types.known(&used.ty) {
                let error = type_error(&trouble, &used.span);
                if !said.contains(&error.message) {
                    said.push(error.message.clone());
                    self.diagnostics.push(error);
                }
            }
        }
        let Words {
            changed,
            no_compat,
            retain,
            contract,
            callers,
            since,
            sections,
            returns,
            verdicts,
            unnamed,
            ops,
        } = item.words;
        let mut contract = contract;
        contract.callers = callers;
        let after = since.and_then(|since| self.since(node, &since));
        let kind = match item.kind {
            ItemKind::Helper { number, prototype } => {
                self.prototype(node, &prototype, &said, &item.name.span);
                DefKind::Helper { number, prototype: Prototype { contract, ..prototype } }
            }
            ItemKind::Kfunc { prototype } => {
                if prototype.variadic {
                    let message = "a kfunc has no variable arguments";
                    self.error(&codes::A_VARIADIC, message, &item.name.span);
                }
                self.prototype(node, &prototype, &said, &item.name.span);
                DefKind::Kfunc { prototype: Prototype { contract, ..prototype } }
            }
            ItemKind::Program { params, params_span } => {
                let context = match params.as_slice() {
                    [] => true,
                    [context] => matches!(context.ty.unqualified(), CType::Pointer(_)),
                    _ => false,
                };
                if !context {
                    self.diagnostics.push(
                        Diagnostic::error(
                            &codes::A_BAD_CONTEXT,
                            "a program takes one pointer, its context, or nothing",
                        )
                        .at(params_span, "")
                        .help("write `(struct CTX *ctx)` or `(void)`"),
                    );
                }
                DefKind::Program(ProgramType {
                    params,
                    sections,
                    returns,
                    sleepable: contract.sleepable,
                    verdicts: verdicts.map(|name| name.text),
                })
            }
            ItemKind::Map => DefKind::Map,
            ItemKind::Rights => {
                if self.api.newest(Namespace::Callable, &name, node).is_none() {
                    self.diagnostics.push(
                        Diagnostic::error(
                            &codes::A_BAD_EXTEND,
                            format!("there is no earlier `{name}` to extend"),
                        )
                        .at(item.name.span, "")
                        .help("say who may call it where it is defined: `for A, B`"),
                    );
                    return;
                }
                DefKind::Rights(contract.callers)
            }
            ItemKind::Ability(ability) => DefKind::Ability(ability),
            ItemKind::Struct(body) => match self.structure(node, &name, body, &item.name.span) {
                // What is extended says it.
                Some(body) => {
                    let ops = body.ops.or(ops.map(|name| name.text));
                    DefKind::Struct(StructType { ops, ..body })
                }
                None => return,
            },
            ItemKind::Enum { extends, values, spans } => {
                let values = EnumType { unnamed, ..values };
                match self.enumeration(node, &name, extends, values, &spans, &item.name.span) {
                    Some(values) => DefKind::Enum(values),
                    None => return,
                }
            }
            ItemKind::Typedef(ty) => DefKind::Typedef(ty),
        };
        let circle = matches!(kind, DefKind::Typedef(_))
            .then(|| (CType::Named(name.clone()), item.name.span.clone()));
        self.api.add_definition(Definition {
            name,
            node,
            feature: item.feature,
            kind,
            after,
            changed: changed.map(|(text, _)| text),
            no_compat: no_compat.map(|(text, _)| text),
            retain: retain.map(|(window, _)| window),
            compat: None,
            doc: item.doc,
            span: item.span,
            name_span: item.name.span,
        });
        // A typedef that earlier ones lead back to; what it names itself was looked up above.
        if let Some((ty, span)) = circle {
            let types = Types { api: &self.api, node };
            if let Err(trouble @ Trouble::Circular(_)) = types.resolve(&ty) {
                self.diagnostics.push(type_error(&trouble, &span));
            }
        }
    }

    /// `since A..B`: B is the node itself, A one before it.
    fn since(&mut self, node: NodeId, (low, high): &(Name, Name)) -> Option<NodeId> {
        let (before, here) = (self.known_node(low)?, self.known_node(high)?);
        if here == node && before != node && self.api.is_ancestor(before, node) {
            return Some(before);
        }
        let own = self.api.node_ref(node).name.clone();
        self.diagnostics.push(
            Diagnostic::error(
                &codes::A_BAD_SINCE,
                format!("`since` leads from an earlier node to this one, {own}"),
            )
            .at(low.span.start..high.span.end, "")
            .help("the first is the last node known to lack it, the second the node it stands in"),
        );
        None
    }

    /// `said`: the types that were complained about already.
    fn prototype(&mut self, node: NodeId, prototype: &Prototype, said: &[String], name: &Span) {
        let passed: Vec<&Param> = prototype.passed().collect();
        if let Some(sixth) = passed.get(MOST_PARAMS) {
            self.diagnostics.push(
                Diagnostic::error(
                    &codes::A_TOO_MANY_PARAMS,
                    format!("{} parameters are passed, at most {MOST_PARAMS} can be", passed.len()),
                )
                .at(sixth.span.clone(), "there is no register for this one")
                .help("pass a pointer to a struct; `__prog` and `__implicit` ones are not passed"),
            );
        }
        for (index, param) in prototype.params.iter().enumerate() {
            if let Some(first) = prototype.params[..index].iter().find(|p| p.name == param.name) {
                self.diagnostics.push(
                    Diagnostic::error(
                        &codes::A_DUPLICATE,
                        format!("two parameters are named `{}`", param.name),
                    )
                    .at(param.span.clone(), "")
                    .also(first.span.clone(), "first here"),
                );
            }
            if said.is_empty() {
                self.passable(node, &param.ty, &param.span, "passed");
            }
            self.suffixes(node, &prototype.params[..index], param);
        }
        if said.is_empty() && prototype.returns != CType::Void {
            self.passable(node, &prototype.returns, name, "returned");
        }
    }

    /// Registers hold scalars and pointers.
    fn passable(&mut self, node: NodeId, ty: &CType, span: &Span, how: &str) {
        let types = Types { api: &self.api, node };
        let Ok(resolved) = types.resolve(ty) else { return };
        let fits = matches!(
            resolved,
            CType::Int(_) | CType::Enum(_) | CType::Pointer(_) | CType::Function(..)
        );
        if !fits {
            let message = format!("`{ty}` cannot be {how}");
            self.diagnostics.push(
                Diagnostic::error(&codes::A_NOT_PASSABLE, message)
                    .at(span.clone(), "")
                    .help("arguments and results are integers, enums and pointers"),
            );
        }
    }

    fn suffixes(&mut self, node: NodeId, before: &[Param], param: &Param) {
        let types = Types { api: &self.api, node };
        let is_pointer = |ty: &CType| matches!(types.resolve(ty), Ok(CType::Pointer(_)) | Err(_));
        let is_integer = |ty: &CType| matches!(types.resolve(ty), Ok(CType::Int(_)) | Err(_));
        if param.has(Suffix::Size) || param.has(Suffix::SizeConst) {
            let follows = before.last().is_some_and(|before| is_pointer(&before.ty));
            if !follows || !is_integer(&param.ty) {
                let wrong = if follows {
                    "is a size, so it must be an integer"
                } else {
                    "is a size, but follows no pointer"
                };
                let message = format!("`{}` {wrong}", param.name);
                self.diagnostics.push(
                    Diagnostic::error(&codes::A_BAD_SIZE, message)
                        .at(param.span.clone(), "")
                        .help("`__sz` and `__szk` give the size of the memory that the parameter before points to"),
                );
            }
        }
        let (not_zero, zero) = (param.has(Suffix::NotZero), param.has(Suffix::Zero));
        if (not_zero || zero) && (not_zero && zero || !is_integer(&param.ty)) {
            let wrong = match not_zero && zero {
                true => "cannot be 0, and nothing else",
                false => "speaks of 0, so it must be an integer",
            };
            self.diagnostics.push(
                Diagnostic::error(&codes::A_BAD_SIZE, format!("`{}` {wrong}", param.name))
                    .at(param.span.clone(), "")
                    .help("`__nz` is a number that is never 0, `__zero` one that is always 0"),
            );
        }
        let base = param.base_name();
        if let Some(at) = base.rfind("__").filter(|at| *at > 0) {
            let suffix = &base[at..];
            let known = crate::query::SUFFIXES.iter().map(|(text, _)| *text);
            let mut warning = Diagnostic::warning(
                &codes::A_UNKNOWN_SUFFIX,
                format!("`{suffix}` is no contract suffix: it means nothing"),
            )
            .at(param.span.clone(), "");
            if let Some(near) = nearest(suffix, known) {
                warning = warning.help(format!("did you mean `{near}`?"));
            }
            self.diagnostics.push(warning);
        }
    }

    fn structure(
        &mut self,
        node: NodeId,
        name: &str,
        body: Struct,
        span: &Span,
    ) -> Option<StructType> {
        let mut out = StructType {
            is_union: body.is_union,
            fields: Vec::new(),
            size: 0,
            align: 1,
            opaque: body.opaque,
            inherited: None,
            ops: None,
            groups: Vec::new(),
        };
        if body.extends {
            let old = self.extended(node, name, span, |kind| match kind {
                DefKind::Struct(old) if old.is_union == body.is_union && !old.opaque => {
                    Some(old.clone())
                }
                _ => None,
            })?;
            out.inherited = Some(old.fields.len() as u32);
            out.fields = old.fields;
            out.groups = old.groups;
            out.ops = old.ops;
        }
        let shift = out.fields.len() as u32;
        let moved = |group: Group| Group {
            fields: group.fields.start + shift..group.fields.end + shift,
            ..group
        };
        out.groups.extend(body.groups.into_iter().map(moved));
        for field in body.fields {
            if let Some(first) = out.fields.iter().find(|known| known.name == field.name.text) {
                let first = first.span.clone();
                self.diagnostics.push(
                    Diagnostic::error(
                        &codes::A_DUPLICATE,
                        format!("two fields are named `{}`", field.name.text),
                    )
                    .at(field.name.span.clone(), "")
                    .also(first, "first here"),
                );
                // It is laid out all the same: groups count fields.
            }
            out.fields.push(Field {
                name: field.name.text,
                ty: field.ty,
                offset: 0,
                size: 0,
                role: field.role,
                writable: field.writable,
                doc: field.doc,
                span: field.name.span,
            });
        }
        let types = Types { api: &self.api, node };
        let mut aligns = Vec::with_capacity(out.fields.len());
        let mut troubles = Vec::new();
        for field in &mut out.fields {
            let (size, align) = match types.layout(&field.ty) {
                Ok(layout) => layout,
                Err(trouble) => {
                    // What is not known at all was said where the type stands.
                    if let Trouble::Incomplete(_) | Trouble::TooLarge = trouble {
                        troubles.push(type_error(&trouble, &field.span));
                    }
                    (1, 1)
                }
            };
            field.size = size as u32;
            aligns.push(align);
        }
        self.diagnostics.extend(troubles);
        if let Err(trouble) = lay_out(&mut out, &aligns) {
            self.diagnostics.push(type_error(&trouble, span));
        }
        Some(out)
    }

    fn enumeration(
        &mut self,
        node: NodeId,
        name: &str,
        extends: bool,
        new: EnumType,
        spans: &[Span],
        span: &Span,
    ) -> Option<EnumType> {
        let mut out = EnumType { values: Vec::new(), inherited: None, unnamed: new.unnamed };
        if extends {
            let old = self.extended(node, name, span, |kind| match kind {
                DefKind::Enum(old) => Some(old.clone()),
                _ => None,
            })?;
            out.inherited = Some(old.values.len() as u32);
            out.unnamed = old.unnamed;
            out.values = old.values;
        }
        for ((constant, value), span) in new.values.into_iter().zip(spans) {
            if out.values.iter().any(|(known, _)| *known == constant) {
                let message = format!("two constants are named `{constant}`");
                self.error(&codes::A_DUPLICATE, message, span);
                continue;
            }
            out.values.push((constant, value));
        }
        Some(out)
    }

    /// The earlier definition that an `extend` statement adds to.
    fn extended<T>(
        &mut self,
        node: NodeId,
        name: &str,
        span: &Span,
        pick: impl Fn(&DefKind) -> Option<T>,
    ) -> Option<T> {
        let old = self.api.newest(Namespace::Tag, name, node);
        let found = old.and_then(|id| pick(&self.api.definition(id).kind));
        if found.is_none() {
            let mut error = Diagnostic::error(
                &codes::A_BAD_EXTEND,
                format!("there is no earlier `{name}` to extend"),
            )
            .at(span.clone(), "");
            error = match old.map(|id| self.api.definition(id)) {
                Some(old) => error
                    .also(old.name_span.clone(), format!("this is {}", what_is(&old.kind)))
                    .help("extend a struct by a struct, a union by a union, an enum by an enum"),
                None => error.help("define it without `extend`"),
            };
            self.diagnostics.push(error);
        }
        found
    }

    /// Enums that words name: they may stand after the definition in the node.
    pub(crate) fn words_of(&mut self, node: NodeId) {
        let mut found = Vec::new();
        // The definitions of the node that is being read are the last ones.
        for definition in self.api.definitions.iter().rev().take_while(|last| last.node == node) {
            if let DefKind::Program(ProgramType { verdicts: Some(name), .. }) = &definition.kind {
                let verdicts = self.api.newest(Namespace::Tag, name, node);
                let kind = verdicts.map(|id| &self.api.definition(id).kind);
                if !matches!(kind, Some(DefKind::Enum(_))) {
                    let known = self.api.names(Namespace::Tag);
                    let near = nearest(name, known).map(str::to_owned);
                    found.push((
                        definition.span.clone(),
                        format!("no enum is named `{name}`"),
                        near,
                    ));
                }
            }
        }
        self.unknown_names(found);
    }

    /// Program types that words name, and their sections: they may come with a later node, which then may
    /// call, too.
    pub(crate) fn callers_named(&mut self) {
        let mut found = Vec::new();
        for id in self.api.ids() {
            let definition = self.api.definition(id);
            if let DefKind::Struct(StructType { ops: Some(program), .. }) = &definition.kind
                && self.api.definitions_of(Namespace::Program, program).is_empty()
            {
                let near = nearest(program, self.api.names(Namespace::Program));
                let message = format!("no program type is named `{program}`");
                found.push((definition.span.clone(), message, near.map(str::to_owned)));
            }
            for Caller { program, sections } in self.api.callers_of(id) {
                let mut unknown = |message: String, near: Option<&str>| {
                    found.push((definition.span.clone(), message, near.map(str::to_owned)));
                };
                let programs = self.api.definitions_of(Namespace::Program, program);
                if programs.is_empty() {
                    let near = nearest(program, self.api.names(Namespace::Program));
                    unknown(format!("no program type is named `{program}`"), near);
                    continue;
                }
                let types = programs.iter().filter_map(|id| match &self.api.definition(*id).kind {
                    DefKind::Program(program) => Some(program),
                    _ => None,
                });
                let types: Vec<&ProgramType> = types.collect();
                for section in sections {
                    if !types.iter().any(|program| program.has_section(section)) {
                        let known = types.iter().flat_map(|program| &program.sections);
                        let near = nearest(section, known.map(String::as_str));
                        let message =
                            format!("the program type `{program}` has no section \"{section}\"");
                        unknown(message, near);
                    }
                }
            }
        }
        self.unknown_names(found);
    }

    fn unknown_names(&mut self, found: Vec<(Span, String, Option<String>)>) {
        for (span, message, near) in found {
            let mut error = Diagnostic::error(&codes::A_UNKNOWN_NAME, message).at(span, "");
            if let Some(near) = near {
                error = error.help(format!("did you mean `{near}`?"));
            }
            self.diagnostics.push(error);
        }
    }
}

fn what_is(kind: &DefKind) -> String {
    let opaque = matches!(kind, DefKind::Struct(StructType { opaque: true, .. }));
    format!("a {}{}", kind.word(), if opaque { " without a body" } else { "" })
}

fn type_error(trouble: &Trouble, span: &Span) -> Diagnostic {
    let (code, message) = match trouble {
        Trouble::Unknown { what, .. } => {
            (&codes::A_UNKNOWN_TYPE, format!("no type is named `{what}`"))
        }
        Trouble::Other { what, is } => (
            &codes::A_UNKNOWN_TYPE,
            format!("`{what}` is known as a{} {is}", if is.starts_with('e') { "n" } else { "" }),
        ),
        Trouble::Incomplete(what) => {
            (&codes::A_INCOMPLETE, format!("the size of `{what}` is not known"))
        }
        Trouble::Circular(what) => {
            (&codes::A_UNKNOWN_TYPE, format!("the typedef `{what}` means itself"))
        }
        Trouble::TooLarge => (&codes::A_TOO_LARGE, "this type is larger than 16 MiB".to_owned()),
    };
    let error = Diagnostic::error(code, message).at(span.clone(), "");
    match trouble {
        Trouble::Unknown { near: Some(near), .. } => error.help(format!("did you mean `{near}`?")),
        Trouble::Unknown { near: None, .. } => {
            error.help("declare it before it is used: `typedef`, `struct`, `union` or `enum`")
        }
        Trouble::Incomplete(_) => {
            error.help("declare it with its fields before, or use a pointer to it")
        }
        _ => error,
    }
}
