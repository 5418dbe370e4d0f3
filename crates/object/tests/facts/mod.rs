//! An object as lines of text that do not depend on where in the file anything is, so that an object
//! and what became of it can be compared.

use std::collections::BTreeSet;
use std::fmt::Write;

use abide_btf::{Btf, Type, TypeId};
use abide_object::{ExternKind, Function, Map, MapId, MapOrigin, Object, Target};

/// The lines.
pub(crate) type Facts = BTreeSet<String>;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All.
    Everything,
    /// Nothing of sections as a whole, nor of what is not defined: linked objects share them.
    Shared,
}

/// All that an object says.
pub(crate) fn facts(object: &Object, depth: Depth) -> Facts {
    let describe = Describe { object, depth };
    let mut all = Facts::new();
    all.insert(format!("license {:?}, version {:?}", object.license, object.version));
    for stamp in &object.stamps {
        all.insert(format!("stamp {}@{}", stamp.api, stamp.node));
    }
    for program in &object.programs {
        let function = &object.function(program.function).name;
        all.insert(
            format!("program {function}: {program:?}")
                .replace(&format!("{:?}", program.function), ""),
        );
    }
    if depth == Depth::Shared {
        // Without a license, an object takes that of the other.
        all.retain(|line| !line.starts_with("license") && !line.starts_with("program"));
        for program in &object.programs {
            let function = &object.function(program.function).name;
            all.insert(format!("program {function} in {}", program.section));
        }
    }
    for (number, function) in object.functions.iter().enumerate() {
        all.insert(describe.function(number, function));
    }
    for map in &object.maps {
        all.extend(describe.map(map));
    }
    for one in object.externs.iter().filter(|_| depth == Depth::Everything) {
        let ty = match one.kind {
            ExternKind::Function { proto: ty }
            | ExternKind::Ksym { ty }
            | ExternKind::Kconfig { ty } => describe.type_name(ty),
        };
        let (name, weak, section) = (&one.name, one.weak, &one.section);
        all.insert(format!("extern {name}: weak {weak}, section {section:?}, {ty}"));
    }
    all
}

struct Describe<'a> {
    object: &'a Object,
    depth: Depth,
}

impl Describe<'_> {
    fn btf(&self) -> Option<&Btf> {
        self.object.btf.as_ref()
    }

    fn type_name(&self, ty: Option<TypeId>) -> String {
        let Some((btf, ty)) = self.btf().zip(ty) else { return "no type".to_owned() };
        // What one file declares only, another may define: then the definition is shown.
        let name = btf.declaration(ty, "it");
        match name.contains('{') {
            true => name.split('{').next().unwrap_or_default().to_owned(),
            false => name,
        }
    }

    fn function(&self, number: usize, function: &Function) -> String {
        let (name, section) = (&function.name, &function.section);
        let mut text = format!("function {name} in {section}");
        if self.depth == Depth::Everything {
            let _ = write!(text, ", {:?}", function.linkage);
        }
        let _ = write!(text, ", {}", self.type_name(function.proto));
        for (slot, raw) in function.slots.iter().enumerate() {
            let mut raw = *raw;
            let target = function.target_at(slot as u32);
            if target.is_some() {
                (raw.src, raw.imm) = (0, 0);
            }
            let _ = write!(
                text,
                "\n  {slot}: {:02x} {} {} {} {}",
                raw.code, raw.dst, raw.src, raw.off, raw.imm
            );
            match target {
                // Counted from where the function is, wherever that is.
                Some(Target::JumpTable { offset, size }) => {
                    let _ = write!(text, " jumps {:?}", self.jumps(function, offset, size));
                }
                Some(target) => {
                    let _ = write!(text, " {}", self.target(target));
                }
                None => {}
            }
            if let Ok(line) = function.lines.binary_search_by_key(&(slot as u32), |line| line.slot)
            {
                let line = &function.lines[line];
                let _ =
                    write!(text, " // {}:{}:{} {}", line.file, line.line, line.column, line.text);
            }
        }
        for core in self.object.core.iter().filter(|one| one.function.index() == number) {
            let ty = self.type_name(Some(core.ty));
            let _ = write!(text, "\n  {:?} of {ty} {} at {}", core.kind, core.access, core.slot);
        }
        text
    }

    /// The slots of a function that a table leads to.
    fn jumps(&self, function: &Function, offset: u32, size: u32) -> Vec<u64> {
        let tables = &self.object.jump_tables;
        let (entries, _) = tables[offset as usize..(offset + size) as usize].as_chunks::<8>();
        let slot = |entry| self.object.endian.read(entry).wrapping_sub(function.offset) / 8;
        entries.iter().map(|entry| slot(entry)).collect()
    }

    fn target(&self, target: Target) -> String {
        let object = self.object;
        match target {
            Target::Map(map) => format!("map {}", object.maps[map.index()].name),
            Target::Value { map, offset } => self.variable(map, offset),
            Target::Function(id) => format!("address of {}", object.function(id).name),
            Target::Call(id) => format!("call {}", object.function(id).name),
            Target::CallExtern(id) => format!("call {}", object.externs[id.index()].name),
            Target::Extern(id) => format!("extern {}", object.externs[id.index()].name),
            Target::JumpTable { .. } => "a table of jumps".to_owned(),
        }
    }

    /// The variable at a byte of a section, or what is there if it has none.
    fn variable(&self, map: MapId, offset: u64) -> String {
        let map = &self.object.maps[map.index()];
        let section = match map.value_type.zip(self.btf()).and_then(|(ty, btf)| btf.get(ty)) {
            Some(Type::DataSec { vars, .. }) => Some(vars),
            _ => None,
        };
        for var in section.into_iter().flatten() {
            let at = offset.checked_sub(var.offset.into());
            if let Some(at) = at.filter(|at| *at < u64::from(var.size)) {
                let name = self.btf().and_then(|btf| btf.get(var.ty)).map_or("", |ty| ty.name());
                return format!("variable {name}+{at} in {}", map.name);
            }
        }
        let bytes = match &map.origin {
            MapOrigin::Data { bytes, .. } => bytes.get(offset as usize..).unwrap_or_default(),
            _ => &[],
        };
        let text: String = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{text} in {}", map.name)
    }

    fn map(&self, map: &Map) -> Vec<String> {
        let mut lines = Vec::new();
        let name = &map.name;
        let slots = map.initial_slots.iter().map(|(slot, target)| (*slot, self.target(*target)));
        let slots: Vec<_> = slots.collect();
        match &map.origin {
            MapOrigin::Data { bytes, readonly, .. } => {
                if self.depth == Depth::Everything {
                    let (len, flags) = (bytes.len(), map.flags);
                    lines.push(format!("data {name}: {len} bytes, {readonly}, {flags}, {slots:?}"));
                }
                let Some((ty, btf)) = map.value_type.zip(self.btf()) else { return lines };
                let Some(Type::DataSec { vars, .. }) = btf.get(ty) else { return lines };
                for var in vars {
                    let mut own: Vec<u8> = bytes
                        .get(var.offset as usize..(var.offset + var.size) as usize)
                        .unwrap_or_default()
                        .to_vec();
                    let slots = map.initial_slots.iter().filter_map(|(slot, target)| {
                        let at = slot.checked_sub(var.offset).filter(|at| *at < var.size)?;
                        own.iter_mut().skip(at as usize).take(8).for_each(|byte| *byte = 0);
                        Some(format!("{at}: {}", self.target(*target)))
                    });
                    let slots: Vec<_> = slots.collect();
                    let ty = btf.declaration(var.ty, "");
                    lines.push(format!("variable {ty} in {name}: {own:02x?} {slots:?}"));
                }
            }
            MapOrigin::Kconfig(_) if self.depth == Depth::Shared => {}
            origin => {
                let types = [self.type_name(map.key_type), self.type_name(map.value_type)];
                let inner = map.inner.as_ref().map(|inner| self.map(inner));
                let attributes = [
                    map.kind,
                    map.key_size,
                    map.value_size,
                    map.max_entries,
                    map.flags,
                    map.pinning,
                    map.numa_node,
                ];
                let origin = match origin {
                    MapOrigin::Kconfig(values) => format!(
                        "Kconfig {:?}",
                        values
                            .iter()
                            .map(|one| (one.offset, one.size, one.form))
                            .collect::<Vec<_>>()
                    ),
                    other => format!("{other:?}"),
                };
                lines.push(format!(
                    "map {name}: {origin} {attributes:?} {} {types:?} {inner:?} {slots:?}",
                    map.extra
                ));
            }
        }
        lines
    }
}
