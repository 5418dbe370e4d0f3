//! Which functions are programs, and what their sections and tags say of them. Reads no code.

use std::collections::{HashMap, HashSet};

use abide_btf::{Btf, Type};

use crate::model::{ExceptionCallback, Function, FunctionId, Linkage, Program};
use crate::sections::{AttachTarget, SectionRule};

/// What a tag on a program begins with that names its exception callback.
const EXCEPTION: &str = "exception_callback:";

/// Every function that can be entered from outside and is not in a section of subprograms.
pub(crate) fn of(functions: &[Function], btf: Option<&Btf>) -> Vec<Program> {
    let exceptions = btf.map(exceptions).unwrap_or_default();
    let callbacks = callbacks(functions, &exceptions);
    let is_program =
        |function: &Function| function.linkage != Linkage::Static && !is_subprogram(function);
    let program = |(index, function): (usize, &Function)| {
        let rule = SectionRule::of(&function.section);
        Program {
            function: FunctionId(index as u32),
            section: function.section.clone(),
            autoload: !function.section.starts_with('?'),
            program_type: rule.map(|rule| rule.program_type),
            attach_type: rule.and_then(|rule| rule.attach_type),
            attach: rule.and_then(|rule| AttachTarget::of(rule, &function.section)),
            sleepable: rule.is_some_and(|rule| rule.sleepable),
            fragments: rule.is_some_and(|rule| rule.fragments),
            exception: exceptions.get(function.name.as_str()).map(|names| ExceptionCallback {
                name: names.join(", "),
                function: match names.as_slice() {
                    [name] => callbacks.get(name).copied(),
                    _ => None,
                },
            }),
        }
    };
    functions.iter().enumerate().filter(|(_, one)| is_program(one)).map(program).collect()
}

fn is_subprogram(function: &Function) -> bool {
    function.section == ".text" || function.section.starts_with(".text.")
}

/// The exception callbacks that functions are tagged with, by the names of the functions.
fn exceptions(btf: &Btf) -> HashMap<&str, Vec<&str>> {
    let mut found: HashMap<&str, Vec<&str>> = HashMap::new();
    for (_, ty) in btf.iter() {
        let Type::DeclTag { name, ty, component: None, .. } = ty else { continue };
        let Some(callback) = name.strip_prefix(EXCEPTION) else { continue };
        let Some(Type::Func { name, .. }) = btf.get(ty) else { continue };
        let names = found.entry(name).or_default();
        // Nobody reads more of them than two.
        if names.len() < 2 {
            names.push(callback);
        }
    }
    found
}

/// The subprograms that can be exception callbacks, by name.
fn callbacks<'a>(
    functions: &'a [Function],
    wanted: &HashMap<&str, Vec<&str>>,
) -> HashMap<&'a str, FunctionId> {
    let wanted: HashSet<&str> = wanted.values().flatten().copied().collect();
    let mut found = HashMap::new();
    let mut several = HashSet::new();
    for (index, function) in functions.iter().enumerate() {
        let name = function.name.as_str();
        if !is_subprogram(function) || !wanted.contains(name) {
            continue;
        }
        let is_visible = !matches!(function.linkage, Linkage::Static | Linkage::Hidden);
        if found.insert(name, FunctionId(index as u32)).is_some() || !is_visible {
            several.insert(name);
        }
    }
    found.retain(|name, _| !several.contains(name));
    found
}
