//! What an object holds, as plain data. Reads no bytes and decides nothing.

use std::sync::Arc;

use abide_btf::{Btf, CoreKind, TypeId};
use abide_isa::{Endian, Raw};

use crate::kinds::{AttachType, ProgramType};
use crate::sections::AttachTarget;

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into the vector of the [`Object`].
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

ids! {
    /// An index into [`Object::functions`].
    FunctionId,
    /// An index into [`Object::maps`].
    MapId,
    /// An index into [`Object::externs`].
    ExternId,
    /// An index into [`Object::programs`].
    ProgramId,
}

/// A BPF object, read from an ELF file. It depends on nothing but the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The byte order of the code and of the data.
    pub endian: Endian,
    /// The contents of the `license` section.
    pub license: Option<String>,
    /// The contents of the `version` section, which kernels before 5.0 wanted for kprobes.
    pub version: Option<u32>,
    /// The APIs that it was built against, each once, in the order of the file.
    pub stamps: Vec<Stamp>,
    /// All functions, by section and then by offset.
    pub functions: Vec<Function>,
    /// The functions that are entry points, in the order of `functions`.
    pub programs: Vec<Program>,
    /// All maps: those of `.maps`, of `maps`, then the data sections, `.kconfig`, struct_ops.
    pub maps: Vec<Map>,
    /// What is defined elsewhere, in the order of the symbol table.
    pub externs: Vec<Extern>,
    /// Variables that live in the arena.
    pub arena: Option<Arena>,
    /// The contents of `.jumptables`: where indirect jumps go to, each eight bytes, in bytes from the
    /// start of the section of the code. A [`Target::JumpTable`] means a part of them.
    pub jump_tables: Vec<u8>,
    /// The types; offsets in sections of variables are filled in.
    pub btf: Option<Btf>,
    /// The CO-RE relocations, by function and slot.
    pub core: Vec<CoreRelocation>,
}

impl Object {
    /// An object in which nothing is, in the byte order of this machine.
    pub fn empty() -> Object {
        Object {
            endian: Endian::NATIVE,
            license: None,
            version: None,
            stamps: Vec::new(),
            functions: Vec::new(),
            programs: Vec::new(),
            maps: Vec::new(),
            externs: Vec::new(),
            arena: None,
            jump_tables: Vec::new(),
            btf: None,
            core: Vec::new(),
        }
    }

    /// The program with this function name.
    pub fn program(&self, name: &str) -> Option<ProgramId> {
        let position = self
            .programs
            .iter()
            .position(|program| self.function(program.function).name == name)?;
        Some(ProgramId(position as u32))
    }

    /// The map with this name.
    pub fn map(&self, name: &str) -> Option<MapId> {
        let position = self.maps.iter().position(|map| map.name == name)?;
        Some(MapId(position as u32))
    }

    /// A function of this object.
    ///
    /// # Panics
    /// When the id is of another object.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.index()]
    }
}

/// The version of an API that an object was built against: `api@NODE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The name of the API.
    pub api: String,
    /// The name of its node.
    pub node: String,
}

/// Where a function can be called from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// From its own file.
    Static,
    /// From everywhere.
    Global,
    /// From everywhere, but another one of this name goes before it.
    Weak,
    /// From other files that are linked to this one, but it counts as static afterwards.
    Hidden,
}

/// A function: its code, not linked.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The section that it stands in.
    pub section: String,
    /// Where it can be called from.
    pub linkage: Linkage,
    /// Its code, exactly as in the file; jumps are relative.
    pub slots: Vec<Raw>,
    /// What its slots refer to, by slot; at most one per slot.
    pub relocations: Vec<Relocation>,
    /// Where source lines begin, by slot.
    pub lines: Vec<Line>,
    /// Its [`abide_btf::Type::Func`].
    pub proto: Option<TypeId>,
    /// Bytes from the start of the section.
    pub offset: u64,
}

impl Function {
    /// A global function without a name and code.
    pub fn empty() -> Function {
        Function {
            name: String::new(),
            section: String::new(),
            linkage: Linkage::Global,
            slots: Vec::new(),
            relocations: Vec::new(),
            lines: Vec::new(),
            proto: None,
            offset: 0,
        }
    }

    /// The source line that a slot comes from.
    pub fn line_at(&self, slot: u32) -> Option<&Line> {
        let after = self.lines.partition_point(|line| line.slot <= slot);
        self.lines.get(after.checked_sub(1)?)
    }

    /// What a slot refers to.
    pub fn target_at(&self, slot: u32) -> Option<Target> {
        let at = self.relocations.binary_search_by_key(&slot, |found| found.slot).ok()?;
        Some(self.relocations[at].target)
    }
}

/// A source line, from the slot at which it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The slot within the function.
    pub slot: u32,
    /// The name of the file, as the compiler was given it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 when it is not known.
    pub column: u32,
    /// The text of the line.
    pub text: Arc<str>,
}

/// Something that a slot refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relocation {
    /// The slot within the function.
    pub slot: u32,
    /// What it refers to.
    pub target: Target,
}

/// What a slot, or an initial value of a map, refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A map.
    Map(MapId),
    /// Data inside the only value of a map.
    Value {
        /// The map of the section.
        map: MapId,
        /// Bytes from the start of the section.
        offset: u64,
    },
    /// The address of a function: a callback.
    Function(FunctionId),
    /// A call of a function of this object.
    Call(FunctionId),
    /// A call of something that is defined elsewhere.
    CallExtern(ExternId),
    /// The address or the value of something that is defined elsewhere.
    Extern(ExternId),
    /// A table of an indirect jump.
    JumpTable {
        /// Bytes from the start of [`Object::jump_tables`].
        offset: u32,
        /// Its size in bytes.
        size: u32,
    },
}

/// A function that a host may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its code.
    pub function: FunctionId,
    /// The section that it stands in, as written: `?xdp.frags`.
    pub section: String,
    /// Whether it is to be loaded when nobody says otherwise; a `?` before the section says no.
    pub autoload: bool,
    /// Its type by its section, as loaders agree on it; `None` if the section has another name. What a
    /// program is for a host its API says.
    pub program_type: Option<ProgramType>,
    /// The attach type that the kernel is told when it loads it.
    pub attach_type: Option<AttachType>,
    /// What it is attached to, as far as its section says.
    pub attach: Option<AttachTarget>,
    /// Whether it may sleep.
    pub sleepable: bool,
    /// Whether it takes packets in several fragments.
    pub fragments: bool,
    /// The subprogram that is called when it throws.
    pub exception: Option<ExceptionCallback>,
}

impl Program {
    /// A program of a function, of which nothing more is said than that it is loaded.
    pub fn of(function: FunctionId) -> Program {
        Program {
            function,
            section: String::new(),
            autoload: true,
            program_type: None,
            attach_type: None,
            attach: None,
            sleepable: false,
            fragments: false,
            exception: None,
        }
    }
}

/// What a program declares as its exception callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionCallback {
    /// The name; of several tags all names, with commas between.
    pub name: String,
    /// The subprogram: global, not hidden, in a section of subprograms. `None` if there is no such
    /// thing, or more than one; then no kernel takes the program.
    pub function: Option<FunctionId>,
}

/// A map as the object defines it. What only a host can know (a size in pages, a number of CPUs) is
/// left as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Its name; of a data section the section's.
    pub name: String,
    /// Which part of the object defines it.
    pub origin: MapOrigin,
    /// The number of its type (`BPF_MAP_TYPE_…`).
    pub kind: u32,
    /// The size of a key in bytes.
    pub key_size: u32,
    /// The size of a value in bytes.
    pub value_size: u32,
    /// How many entries it may have.
    pub max_entries: u32,
    /// Its flags (`BPF_F_…`).
    pub flags: u32,
    /// How it is pinned: 0 not at all, 1 by its name.
    pub pinning: u32,
    /// A number whose meaning depends on the type.
    pub extra: u64,
    /// The NUMA node it is to be allocated on, if its flags say so.
    pub numa_node: u32,
    /// The type of its keys.
    pub key_type: Option<TypeId>,
    /// The type of its values; of a data section the section itself.
    pub value_type: Option<TypeId>,
    /// What the maps inside it look like.
    pub inner: Option<Box<Map>>,
    /// Initial values of maps of maps and of programs, by index. Of a data section the addresses
    /// that are to be stored in it, by byte. Of struct_ops the programs, by member.
    pub initial_slots: Vec<(u32, Target)>,
}

impl Map {
    /// A definition in which nothing is said yet.
    pub fn empty() -> Map {
        Map {
            name: String::new(),
            origin: MapOrigin::Btf,
            kind: 0,
            key_size: 0,
            value_size: 0,
            max_entries: 0,
            flags: 0,
            pinning: 0,
            extra: 0,
            numa_node: 0,
            key_type: None,
            value_type: None,
            inner: None,
            initial_slots: Vec::new(),
        }
    }
}

/// The part of an object that defines a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapOrigin {
    /// A variable in `.maps`, by its type.
    Btf,
    /// A `struct bpf_map_def` in `maps`.
    Legacy,
    /// A section of data: an array of one value.
    Data {
        /// The name of the section.
        section: String,
        /// Its contents; zeroes for `.bss`.
        bytes: Vec<u8>,
        /// Whether programs may only read it.
        readonly: bool,
    },
    /// Values of the configuration of a host: an array of one value, which is known when a
    /// configuration is, see [`Object::set_kconfig`].
    Kconfig(Vec<KconfigValue>),
    /// A variable in `.struct_ops`: functions that the kernel calls, and numbers.
    StructOps {
        /// Its contents without the functions.
        bytes: Vec<u8>,
        /// Whether it is to be made when nobody says otherwise; a `?` before the section says no.
        autocreate: bool,
    },
}

/// An extern in `.kconfig`, and where its value belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KconfigValue {
    /// The extern.
    pub id: ExternId,
    /// Bytes from the start of the map's only value.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
    /// What it can hold.
    pub form: KconfigForm,
}

/// What an extern in `.kconfig` can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KconfigForm {
    /// `bool`.
    Bool,
    /// `enum libbpf_tristate`: 0 no, 1 yes, 2 module.
    Tristate,
    /// `char`: a small number, or one of the letters `y`, `n` and `m`.
    Char {
        /// Whether it is signed.
        signed: bool,
    },
    /// An integer of 2, 4 or 8 bytes.
    Int {
        /// Whether it is signed.
        signed: bool,
    },
    /// An array of `char`: text.
    Text,
}

/// Variables in the section `.addr_space.1`, which live in the object's arena map.
/// A [`Target::Value`] with that map means them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arena {
    /// The arena.
    pub map: MapId,
    /// The initial contents.
    pub bytes: Vec<u8>,
}

/// Something that is defined elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extern {
    /// Its name.
    pub name: String,
    /// Whether the object can do without it.
    pub weak: bool,
    /// The section that it was declared to be in: `.ksyms`, `.kconfig`, or none.
    pub section: Option<String>,
    /// What it is.
    pub kind: ExternKind,
}

/// What an [`Extern`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternKind {
    /// A function of the host.
    Function {
        /// Its [`abide_btf::Type::FuncProto`] as this object declares it.
        proto: Option<TypeId>,
    },
    /// A variable of the host.
    Ksym {
        /// Its type as this object declares it.
        ty: Option<TypeId>,
    },
    /// A configuration value of the host.
    Kconfig {
        /// Its type as this object declares it.
        ty: Option<TypeId>,
    },
}

/// An instruction that depends on the layout of a type of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreRelocation {
    /// The function.
    pub function: FunctionId,
    /// The slot in it.
    pub slot: u32,
    /// The type that is accessed, as this object knows it.
    pub ty: TypeId,
    /// How: member numbers with `:` between them, or a value number of an enum.
    pub access: String,
    /// What the instruction wants to know.
    pub kind: CoreKind,
}
