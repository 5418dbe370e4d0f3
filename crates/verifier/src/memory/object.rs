//! The context and objects of the host and the program: accesses by their types.

use std::rc::Rc;

use abide_api::model::FieldRole;
use abide_isa::Reg;

use crate::codes as c;
use crate::domain::Scalar;
use crate::fields::Special;
use crate::reject::{Rejection, bytes};
use crate::state::value::{Flags, Kind, Value};
use crate::types::{Content, Origin, Tag};
use crate::walk::{Refused, Walk};

/// Fields of Linux's structs that programs of an operation may store to.
const WRITABLE: &[(&str, &[&str])] = &[
    ("tcp_sock", &["inet_conn", "icsk_inet", "sk", "sk_pacing_rate"]),
    ("tcp_sock", &["inet_conn", "icsk_inet", "sk", "sk_pacing_status"]),
    ("tcp_sock", &["inet_conn", "icsk_ca_priv"]),
    ("tcp_sock", &["inet_conn", "icsk_ack", "pending"]),
    ("tcp_sock", &["snd_cwnd"]),
    ("tcp_sock", &["snd_cwnd_cnt"]),
    ("tcp_sock", &["snd_cwnd_stamp"]),
    ("tcp_sock", &["snd_ssthresh"]),
    ("tcp_sock", &["ecn_flags"]),
    ("tcp_sock", &["app_limited"]),
    ("bpf_dummy_ops_state", &["val"]),
];

/// Fields of Linux's structs of which the kernel guarantees how long what they point to lives.
const SAFE: &[(&str, &str, Flags)] = &[
    ("bpf_iter_meta", "seq", Flags::TRUSTED),
    ("linux_binprm", "file", Flags::TRUSTED),
    ("file", "f_inode", Flags::TRUSTED),
    ("socket", "sk", Flags::TRUSTED.with(Flags::NULLABLE)),
    ("dentry", "d_inode", Flags::TRUSTED.with(Flags::NULLABLE)),
    ("task_struct", "cpus_ptr", Flags::RCU),
    ("task_struct", "cgroups", Flags::RCU),
    ("task_struct", "real_parent", Flags::RCU),
    ("task_struct", "group_leader", Flags::RCU),
    ("css_set", "dfl_cgrp", Flags::RCU),
    ("cgroup", "kn", Flags::RCU),
    ("cgroup_subsys_state", "cgroup", Flags::RCU),
    ("sk_buff", "sk", Flags::RCU.with(Flags::NULLABLE)),
    ("request_sock", "sk", Flags::RCU.with(Flags::NULLABLE)),
    ("mm_struct", "exe_file", Flags::RCU.with(Flags::NULLABLE)),
];

/// Sockets of contexts that are more than the part which all sockets have; and whether they are always there.
const SOCKETS: &[(&str, &str, bool, bool)] = &[
    ("bpf_sock_addr", "sk", true, true),
    ("bpf_sock_ops", "sk", true, false),
    ("bpf_sockopt", "sk", true, true),
    ("bpf_sk_lookup", "sk", true, false),
    ("sk_msg_md", "sk", true, true),
    ("sk_reuseport_md", "sk", true, true),
];

/// What the kernel keeps of a map, by its kind; of others what all have.
const MAP_STRUCTS: &[(&str, &[&str])] = &[
    ("bpf_map", &[]),
    (
        "bpf_array",
        &[
            "array",
            "percpu_array",
            "prog_array",
            "perf_event_array",
            "cgroup_array",
            "array_of_maps",
        ],
    ),
    ("bpf_htab", &["hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "hash_of_maps"]),
    ("bpf_dtab", &["devmap", "devmap_hash"]),
    ("bpf_stab", &["sockmap"]),
    ("bpf_shtab", &["sockhash"]),
    ("bpf_cpu_map", &["cpumap"]),
    ("xsk_map", &["xskmap"]),
    ("bpf_stack_map", &["stack_trace"]),
    ("bpf_queue_stack", &["queue", "stack"]),
    ("lpm_trie", &["lpm_trie"]),
    ("bpf_bloom_filter", &["bloom_filter"]),
    ("bpf_ringbuf_map", &["ringbuf", "user_ringbuf"]),
    ("reuseport_array", &["reuseport_sockarray"]),
    ("bpf_cgroup_storage_map", &["cgroup_storage", "percpu_cgroup_storage"]),
    ("bpf_local_storage_map", &["sk_storage", "inode_storage", "task_storage", "cgrp_storage"]),
];

impl Walk<'_> {
    fn context_offset(&self, base: &Value, reg: Reg, off: i64) -> Result<u32, Refused> {
        let number = reg.number();
        if base.is_variable() || base.off != 0 {
            let kernel = if base.is_variable() {
                format!("variable ctx access var_off={:#x}", base.num.bits.mask)
            } else {
                format!("dereference of modified ctx ptr R{number} off={} disallowed", base.off)
            };
            return Err(Rejection::new(&c::V_CONTEXT, format!("{reg} is {base}"))
                .kernel(kernel)
                .help("keep the context pointer as it was handed to the program"));
        }
        u32::try_from(off).map_err(|_| {
            Rejection::new(&c::V_CONTEXT, format!("offset {off} of the context"))
                .kernel(format!("invalid bpf_context access off={off}"))
        })
    }

    pub(crate) fn load_context(
        &mut self,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
    ) -> Result<Value, Refused> {
        let at = self.context_offset(base, reg, off)?;
        let refuse = |why: String| {
            Err(Rejection::new(
                &c::V_CONTEXT,
                format!("a load of {} at offset {off} of the context: {why}", bytes(size)),
            )
            .kernel(format!("invalid bpf_context access off={off} size={size}")))
        };
        if let Some(arguments) = &self.context.arguments {
            if at % 8 != 0 {
                return refuse("arguments are eight bytes each".to_owned());
            }
            let Some(mut argument) = arguments.get(at as usize / 8).copied() else {
                return refuse(format!("there are {} arguments", arguments.len()));
            };
            if argument.is_scalar() {
                return Ok(Value::number(argument.num.truncated(size)));
            }
            if size != 8 {
                return refuse("a pointer is read whole".to_owned());
            }
            if argument.nullable() {
                argument.id = self.fresh_id();
            }
            return Ok(argument);
        }
        if let Some(limit) = self.context.plain {
            // Records of the host without a struct in the API: numbers, aligned.
            if at % size != 0 || at + size > limit {
                return refuse("it is outside of the record, or not aligned".to_owned());
            }
            if self.context.record && at == 0 && size == 8 {
                return Ok(Value::pointer(Kind::Memory(crate::attach::ANY_SIZE)));
            }
            return Ok(Value::number(Scalar::bytes(size)));
        }
        let Some(field) = self.context.field(at, size) else {
            return refuse(self.context.why(at, size));
        };
        if let Err(why) = self.context.may_read(field, size) {
            return refuse(why);
        }
        let (role, offset, width) = (field.role, field.offset, field.size);
        if role == FieldRole::Plain {
            let to = match field.ty.pointee().map(abide_api::ctype::CType::unqualified) {
                Some(abide_api::ctype::CType::Struct(name)) => name.clone(),
                Some(_) => return refuse("a pointer of a type that is not known".to_owned()),
                None => return Ok(Value::number(Scalar::bytes(size))),
            };
            if offset != at || width != size {
                return refuse("a part of a pointer".to_owned());
            }
            let of = self.types.named(&to);
            if to == "bpf_flow_keys" {
                // Memory that the program fills in.
                let size = self.types.size(of).and_then(|size| u32::try_from(size).ok());
                return match size {
                    Some(size) => {
                        Ok(Value { flags: Flags::FIXED, ..Value::pointer(Kind::Memory(size)) })
                    }
                    None => refuse("the size of `struct bpf_flow_keys` is not known".to_owned()),
                };
            }
            let mut flags = Flags::TRUSTED;
            let context = self.context.name.as_deref().unwrap_or_default();
            let (full, there) = SOCKETS
                .iter()
                .find(|(of, member, ..)| *of == context && *member == field.name)
                .map_or((false, false), |(.., full, there)| (*full, *there));
            if to == "bpf_sock" && !full {
                flags = flags.with(Flags::COMMON);
            }
            let mut id = 0;
            if !there {
                flags = flags.with(Flags::NULLABLE);
                id = self.fresh_id();
            }
            return Ok(Value { flags, id, ..Value::pointer(Kind::Object(of)) });
        }
        if offset != at || width != size {
            return refuse("a part of a pointer into the packet".to_owned());
        }
        Ok(Value::pointer(match role {
            FieldRole::PacketEnd => Kind::PacketEnd,
            FieldRole::PacketMeta => Kind::PacketMeta,
            FieldRole::Packet | FieldRole::Plain => Kind::Packet,
        }))
    }

    pub(crate) fn store_context(
        &mut self,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
    ) -> Result<(), Refused> {
        let at = self.context_offset(base, reg, off)?;
        let refuse = |why: String| {
            Err(Rejection::new(
                &c::V_CONTEXT,
                format!("a store of {} at offset {off} of the context: {why}", bytes(size)),
            )
            .kernel(format!("invalid bpf_context access off={off} size={size}"))
            .help(self.context.writable_names()))
        };
        if let Some(limit) = self.context.plain.filter(|_| self.context.plain_writable) {
            if at % size != 0 || at + size > limit {
                return refuse("it is outside of the record, or not aligned".to_owned());
            }
            return Ok(());
        }
        let Some(field) = self.context.field(at, size) else {
            return refuse(self.context.why(at, size));
        };
        // Of fields that share their place one that is writable is enough.
        let field = self.context.writable_field(at, size).unwrap_or(field);
        match self.context.may_write(field, at, size) {
            Ok(()) => Ok(()),
            Err(why) => refuse(why),
        }
    }

    pub(crate) fn load_object(
        &mut self,
        of: u32,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
    ) -> Result<Value, Refused> {
        let at = self.object_offset(of, base, reg, off)?;
        let special = self.special_of(of).iter().any(|field| {
            i64::from(field.offset) < at as i64 + i64::from(size)
                && (at as i64) < i64::from(field.offset + field.size)
        });
        if special {
            return Err(Rejection::new(
                &c::V_SPECIAL_FIELD,
                "a field with a state of its own is read",
            )
            .kernel("cannot be accessed directly by load/store"));
        }
        if base.flags.has(Flags::PERCPU) {
            return Err(Rejection::new(
                &c::V_OPAQUE,
                "the object of every CPU is reached by bpf_per_cpu_ptr or bpf_this_cpu_ptr",
            )
            .kernel(format!("R{} is ptr_ access percpu memory: off={off}", reg.number())));
        }
        let half = self.linux()
            && self.types.fields(of).is_some_and(|fields| {
                let name = self.types.get(of).name.as_str();
                fields
                    .iter()
                    .any(|field| crate::context::beyond_half(name, field, at, u64::from(size)))
            });
        let aligned = !matches!(self.types.get(of).origin, Origin::Api(_))
            || at.is_multiple_of(u64::from(size));
        let kept = base.flags.has(Flags::COMMON)
            && self.types.fields(of).is_some_and(|fields| {
                let of_full =
                    |name: &str| matches!(name, "type" | "protocol" | "mark" | "priority");
                fields.iter().any(|field| {
                    of_full(&field.name)
                        && u64::from(field.offset) <= at
                        && at < u64::from(field.offset + field.size)
                })
            });
        let Some(content) =
            self.types.content(of, at, u64::from(size)).filter(|_| aligned && !kept && !half)
        else {
            let name = self.types.get(of).name.clone();
            return Err(Rejection::new(
                &c::V_OBJECT,
                format!(
                    "`struct {name}` has no field of {} at offset {at}, or its inside is not known",
                    bytes(size)
                ),
            )
            .kernel(format!("access beyond struct {name} at off {at} size {size}")));
        };
        Ok(match content {
            Content::Number | Content::OtherPointer => Value::number(Scalar::bytes(size)),
            Content::Pointer { tag: Tag::User, .. } => Value::UNKNOWN,
            // What a program stores in its own objects may be anything.
            Content::Pointer { .. }
                if matches!(self.types.get(of).origin, Origin::Program(_))
                    && base.flags.has(Flags::ALLOCATED) =>
            {
                Value::UNKNOWN
            }
            Content::Pointer { to, tag } => {
                let api = matches!(self.types.get(of).origin, Origin::Api(_));
                let lives = Flags::TRUSTED.with(Flags::RCU);
                let safe = self.safe_field(of, at).filter(|_| base.flags.any(lives));
                let rcu = tag == Tag::Rcu
                    && (self.state.rcu > 0 || !self.sleepable())
                    && base.flags.any(Flags::TRUSTED.with(Flags::RCU));
                let mut flags = if let Some(flags) = safe {
                    flags
                } else if api && !base.flags.has(Flags::UNTRUSTED) {
                    Flags::TRUSTED.with(Flags::NULLABLE)
                } else if rcu {
                    Flags::RCU.with(Flags::NULLABLE)
                } else if base.owner == 0
                    && !base.flags.any(Flags::UNTRUSTED.with(Flags::ALLOCATED))
                    && (!base.flags.any(lives)
                        || !base.nullable() && (self.state.rcu > 0 || !self.sleepable()))
                {
                    // As little is known of it as of where it was found, or as of what other functions are
                    // handed: while nothing sleeps it is not freed.
                    Flags::NONE
                } else {
                    Flags::UNTRUSTED
                };
                if tag == Tag::Percpu {
                    flags = flags.with(Flags::PERCPU);
                }
                let id = if flags.has(Flags::NULLABLE) { self.fresh_id() } else { 0 };
                Value { flags, id, ..Value::pointer(Kind::Object(to)) }
            }
        })
    }

    /// Fields whose pointers live as long as what they are read from.
    fn safe_field(&self, of: u32, at: u64) -> Option<Flags> {
        let name = self.types.get(of).name.as_str();
        let (.., flags) = SAFE.iter().find(|(of_struct, field, _)| {
            *of_struct == name && self.types.member_offset(of, field) == Some(at)
        })?;
        // Until the RCU section ends, where there is one.
        let rcu = flags.has(Flags::RCU) && self.state.rcu == 0 && self.sleepable();
        (!rcu).then_some(*flags)
    }

    /// A field of the map itself, by the host's types.
    pub(crate) fn load_map(
        &mut self,
        map: u32,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
    ) -> Result<Value, Refused> {
        let kind = self.maps[map as usize].kind;
        let (name, _) =
            MAP_STRUCTS.iter().find(|(_, kinds)| kinds.contains(&kind)).unwrap_or(&MAP_STRUCTS[0]);
        let of = self.types.named(name);
        let plain = Value { flags: Flags::UNTRUSTED, ..*base };
        self.load_object(of, &plain, reg, off, size)
    }

    fn object_offset(&self, of: u32, base: &Value, reg: Reg, off: i64) -> Result<u64, Refused> {
        let name = &self.types.get(of).name;
        let refuse =
            |text: String, kernel: String| Rejection::new(&c::V_OBJECT, text).kernel(kernel);
        let Some(start) = base.fixed_offset() else {
            return Err(refuse(
                format!("{reg} points into `struct {name}` at an offset that is not known"),
                format!("R{} is ptr_{name} invalid variable offset", reg.number()),
            ));
        };
        let at = start + off;
        u64::try_from(at).map_err(|_| {
            refuse(
                format!("offset {at} of `struct {name}`"),
                format!("R{} is ptr_{name} invalid negative access: off={at}", reg.number()),
            )
        })
    }

    /// Fields of a type of the program that only functions may touch.
    pub(crate) fn special_of(&mut self, of: u32) -> Rc<[Special]> {
        if let Some(known) = self.specials.get(&of) {
            return Rc::clone(known);
        }
        let found: Rc<[Special]> = match (self.types.get(of).origin, &self.fields) {
            (Origin::Program(id), Some(fields)) => fields.of(id).into(),
            _ => Rc::new([]),
        };
        self.specials.insert(of, Rc::clone(&found));
        found
    }

    pub(crate) fn store_object(
        &mut self,
        of: u32,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
        value: &Value,
    ) -> Result<(), Refused> {
        let at = self.object_offset(of, base, reg, off)?;
        let name = self.types.get(of).name.clone();
        let allocated = matches!(self.types.get(of).origin, Origin::Program(_))
            && base.flags.has(Flags::ALLOCATED)
            && !base.flags.any(Flags::UNTRUSTED.with(Flags::PERCPU));
        let permitted = WRITABLE.iter().any(|(of_struct, path)| {
            *of_struct == name
                && self.types.member_at(of, path).is_some_and(|(start, bytes)| {
                    start <= at && at + u64::from(size) <= start + bytes
                })
        });
        // The words of a context are for programs that are handed it.
        let of_api = || {
            if self.types.is_context(&name) {
                return false;
            }
            let fields = self.types.fields(of).unwrap_or_default();
            fields.iter().any(|field| {
                let start = u64::from(field.offset);
                let inside = start <= at && at + u64::from(size) <= start + u64::from(field.size);
                field.writable && inside && field.ty.pointee().is_none()
            })
        };
        let permitted = permitted || of_api();
        if permitted && base.flags.has(Flags::TRUSTED) && !value.is_pointer() {
            return Ok(());
        }
        if !allocated {
            return Err(Rejection::new(
                &c::V_PROTECTED,
                format!("`struct {name}` of the host can only be read"),
            )
            .kernel("only read is supported"));
        }
        if !base.flags.any(Flags::BORROWED.with(Flags::RCU)) && base.owner == 0 {
            return Err(Rejection::new(&c::V_PROTECTED, "the program does not own the object")
                .kernel("allocated object must be referenced"));
        }
        let touches = self.special_of(of).iter().any(|field| {
            u64::from(field.offset) < at + u64::from(size)
                && at < u64::from(field.offset + field.size)
        });
        if touches || self.types.content(of, at, u64::from(size)).is_none() {
            return Err(Rejection::new(
                &c::V_OBJECT,
                format!("a store of {size} bytes at offset {at} of `struct {name}`"),
            )
            .kernel(format!("access beyond struct {name} at off {at} size {size}")));
        }
        Ok(())
    }
}
