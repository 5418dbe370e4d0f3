//! Code without an API: instructions, maps and numbered functions put together by hand. For
//! engines' tests, benchmarks and fuzzing; programs of an object come through [`Host`](crate::Host).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use abide_api::model::Field;
use abide_isa::{Kind, Raw, decode_all};
use abide_maps::Map;

use crate::body::Body;
use crate::context::ContextLayout;
use crate::environment::{Environment, Services};
use crate::image::{CallSite, Function, Image, Source};
use crate::memory::MapSpace;
use crate::program::Program;
use crate::trap::Trap;

/// Puts a program together.
#[derive(Debug)]
pub struct Builder {
    name: String,
    slots: Vec<Raw>,
    maps: Vec<Arc<Map>>,
    helpers: BTreeMap<u32, Body>,
    functions: Vec<Function>,
    layout: Option<Arc<ContextLayout>>,
    cpus: u32,
    program_type: String,
}

impl Builder {
    /// From instructions; the entry is the first.
    pub fn new(name: &str, slots: &[Raw]) -> Self {
        Builder {
            name: name.to_owned(),
            slots: slots.to_vec(),
            maps: Vec::new(),
            helpers: BTreeMap::new(),
            functions: Vec::new(),
            layout: None,
            cpus: 1,
            program_type: String::new(),
        }
    }

    /// Adds a map; `ld_imm64` with `src` 5 and 6 counts them from 0.
    #[must_use]
    pub fn map(mut self, map: Arc<Map>) -> Self {
        self.maps.push(map);
        self
    }

    /// What `call NUMBER` does.
    #[must_use]
    pub fn helper(mut self, number: u32, body: Body) -> Self {
        self.helpers.insert(number, body);
        self
    }

    /// Names the function in a range of slots.
    #[must_use]
    pub fn function(mut self, name: &str, slots: Range<u32>) -> Self {
        self.functions.push(Function { name: name.to_owned(), slots });
        self
    }

    /// Gives it a context struct.
    #[must_use]
    pub fn context(mut self, name: &str, size: u32, fields: &[Field]) -> Self {
        self.layout = Some(Arc::new(ContextLayout::new(name, size, fields)));
        self
    }

    /// What bodies take it for: `xdp`.
    #[must_use]
    pub fn program_type(mut self, name: &str) -> Self {
        self.program_type = name.to_owned();
        self
    }

    /// How many CPUs it can run on.
    #[must_use]
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }

    /// Decodes and resolves the code.
    pub fn build(self) -> Result<Program, Trap> {
        let space = MapSpace::new(self.maps).map_err(|error| {
            Trap::body(format!("map {} needs {} regions of 4 GiB", error.map, error.regions))
        })?;
        let calls = decode_all(&self.slots)
            .filter_map(|(slot, insn)| Some((slot as u32, insn.ok()?)))
            .filter(|(_, insn)| matches!(insn.kind(), Kind::CallHelper | Kind::CallKfunc))
            .filter_map(|(slot, insn)| {
                let number = insn.imm as u32;
                let body = self.helpers.get(&number)?.clone();
                let label = Arc::from(format!("helper {number}"));
                Some((slot, CallSite { label, body }))
            })
            .collect();
        let image = Image::new(Source {
            name: &self.name,
            program_type: &self.program_type,
            slots: &self.slots,
            calls,
            lacking: BTreeMap::new(),
            functions: self.functions,
            lines: Vec::new(),
            maps: (0..space.maps().len() as u32).collect(),
            space: Arc::new(space),
            layout: self.layout,
            returns: None,
            claims: None,
        })?;
        let services = Arc::new(Services::new(self.cpus, crate::FUEL, None, None));
        let environment = Environment { services, programs: OnceLock::new() };
        Ok(Program::new(Arc::new(image), Arc::new(environment)))
    }
}
