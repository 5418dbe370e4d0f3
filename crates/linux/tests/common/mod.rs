//! BTF as kernels have it, written by hand: enums, structs, functions with and without tags.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use abide_btf::{Btf, Kind};

/// BTF to be.
#[derive(Debug, Clone)]
pub(crate) struct Types {
    words: Vec<u32>,
    strings: Vec<u8>,
    last: u32,
}

impl Types {
    pub(crate) fn new() -> Types {
        Types { words: Vec::new(), strings: vec![0], last: 0 }
    }

    /// A kernel with the helpers and constants of 2014, and nothing else.
    pub(crate) fn old_kernel() -> Types {
        let mut types = Types::new();
        types.constants("bpf_func_id", &[("BPF_FUNC_unspec", 0), ("BPF_FUNC_map_lookup_elem", 1)]);
        types.constants(
            "bpf_cmd",
            &[
                ("BPF_MAP_CREATE", 0),
                ("BPF_MAP_LOOKUP_ELEM", 1),
                ("BPF_MAP_UPDATE_ELEM", 2),
                ("BPF_MAP_DELETE_ELEM", 3),
                ("BPF_MAP_GET_NEXT_KEY", 4),
                ("BPF_PROG_LOAD", 5),
            ],
        );
        types
    }

    fn string(&mut self, text: &str) -> u32 {
        let offset = self.strings.len() as u32;
        self.strings.extend(text.bytes().chain([0]));
        offset
    }

    fn push(&mut self, record: &[u32]) -> u32 {
        self.words.extend(record);
        self.last += 1;
        self.last
    }

    pub(crate) fn constants(&mut self, name: &str, values: &[(&str, u32)]) -> u32 {
        let name = self.string(name);
        let mut record = vec![name, (Kind::Enum as u32) << 24 | values.len() as u32, 4];
        for (name, value) in values {
            record.extend([self.string(name), *value]);
        }
        self.push(&record)
    }

    pub(crate) fn int(&mut self, name: &str, size: u32) -> u32 {
        let name = self.string(name);
        self.push(&[name, (Kind::Int as u32) << 24, size, size * 8])
    }

    pub(crate) fn pointer(&mut self, to: u32) -> u32 {
        self.push(&[0, (Kind::Ptr as u32) << 24, to])
    }

    /// A struct of integers of four bytes.
    pub(crate) fn structure(&mut self, name: &str, int: u32, fields: &[&str]) -> u32 {
        let name = self.string(name);
        let count = fields.len() as u32;
        let mut record = vec![name, (Kind::Struct as u32) << 24 | count, 4 * count];
        for (index, field) in fields.iter().enumerate() {
            record.extend([self.string(field), int, 32 * index as u32]);
        }
        self.push(&record)
    }

    /// A union of this type, many times over, without names.
    pub(crate) fn anonymous_union(&mut self, name: &str, member: u32, times: u32) -> u32 {
        let name = self.string(name);
        let mut record = vec![name, (Kind::Union as u32) << 24 | times, 4];
        (0..times).for_each(|_| record.extend([0, member, 0]));
        self.push(&record)
    }

    pub(crate) fn function(&mut self, name: &str, ret: u32, params: &[(&str, u32)]) -> u32 {
        let mut record = vec![0, (Kind::FuncProto as u32) << 24 | params.len() as u32, ret];
        for (name, ty) in params {
            record.extend([self.string(name), *ty]);
        }
        let proto = self.push(&record);
        let name = self.string(name);
        self.push(&[name, (Kind::Func as u32) << 24, proto])
    }

    pub(crate) fn kfunc(&mut self, name: &str, ret: u32, params: &[(&str, u32)]) -> u32 {
        let function = self.function(name, ret, params);
        let tag = self.string("bpf_kfunc");
        self.push(&[tag, (Kind::DeclTag as u32) << 24, function, u32::MAX]);
        function
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let types = self.words.len() as u32 * 4;
        let mut out = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types, types, self.strings.len() as u32] {
            out.extend(u32::to_le_bytes(word));
        }
        out.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        out.extend(&self.strings);
        out
    }

    pub(crate) fn btf(&self) -> Btf {
        Btf::parse(&self.bytes()).unwrap_or_else(|error| panic!("{error}"))
    }
}
