//! Lists and trees that own objects: what goes in, what comes out, what is only looked at. All of it
//! under the lock that is in the same map value or object.

use abide_isa::Reg;

use super::arguments::Passed;
use super::contract::{Contract, Parameter};
use crate::codes as c;
use crate::fields::{Root, Special, SpecialKind};
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Value};
use crate::state::{Entered, OwnedKind};
use crate::walk::{Refused, Walk};

/// Structs of lists and trees, and of their nodes.
pub(crate) const GRAPH: &[&str] = &["bpf_list_head", "bpf_rb_root", "bpf_list_node", "bpf_rb_node"];

/// What a function does with a list or tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// The node goes in, and is borrowed from then on.
    Insert,
    /// A node comes out, and is owned from then on.
    Take,
    /// A node is looked at.
    Look,
    /// Something is asked.
    Ask,
}

fn does(name: &str) -> Option<Does> {
    Some(match name.strip_suffix("_impl").unwrap_or(name) {
        "bpf_list_push_front" | "bpf_list_push_back" | "bpf_list_add" | "bpf_rbtree_add" => {
            Does::Insert
        }
        "bpf_list_pop_front" | "bpf_list_pop_back" | "bpf_list_del" | "bpf_rbtree_remove" => {
            Does::Take
        }
        "bpf_list_front" | "bpf_list_back" | "bpf_rbtree_first" | "bpf_rbtree_root"
        | "bpf_rbtree_left" | "bpf_rbtree_right" => Does::Look,
        "bpf_list_empty" | "bpf_list_is_first" | "bpf_list_is_last" => Does::Ask,
        _ => return None,
    })
}

/// Functions that compare the nodes of a tree by a function of the program.
pub(crate) fn adds_to_tree(name: &str) -> bool {
    matches!(name, "bpf_rbtree_add" | "bpf_rbtree_add_impl")
}

/// Whether it may be called under a lock.
pub(crate) fn under_lock(name: &str) -> bool {
    does(name).is_some() || matches!(name, "bpf_refcount_acquire" | "bpf_refcount_acquire_impl")
}

impl Walk<'_> {
    /// The list, the tree, or a node.
    pub(crate) fn graph_argument(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        name: &str,
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        let number = reg.number();
        let refuse =
            |text: &str, kernel: String| Err(contract.refuses(&c::V_ARGUMENT, param, text, kernel));
        let Some(does) = does(&contract.name) else {
            let text = format!("{} cannot be proved yet", contract.name);
            return Err(Rejection::new(&c::V_GAP, text));
        };
        let at = contract.fixed_offset(param, reg, value, name)?;
        let root = matches!(name, "bpf_list_head" | "bpf_rb_root");
        let owned = self.is_owned(value);
        let borrowed = matches!(value.kind, Kind::Object(_))
            && value.flags.has(Flags::ALLOCATED.with(Flags::BORROWED))
            && !value.flags.has(Flags::UNTRUSTED)
            && value.owner == 0;
        let fields: Vec<Special> = match value.kind {
            Kind::MapValue(map) if root => self.maps[map as usize].usable().to_vec(),
            Kind::Object(of) if owned || borrowed && !root => self.special_of(of).to_vec(),
            Kind::Object(_) if root => {
                return refuse(
                    "the program does not own what it is in",
                    "allocated object must be referenced".to_owned(),
                );
            }
            _ => {
                return refuse(
                    "no object that the program made",
                    format!("arg#{} expected pointer to allocated object", number - 1),
                );
            }
        };
        let found = fields.iter().find(|field| i64::from(field.offset) == at && field.is(name));
        let Some(found) = found else {
            return refuse(
                &format!("there is no `struct {name}` that is known at offset {at}"),
                format!("{name} not found at offset={at}"),
            );
        };
        if root {
            let SpecialKind::Root(root) = found.kind else {
                let text = format!("what the `struct {name}` contains is not known");
                return refuse(&text, format!("{name} not found at offset={at}"));
            };
            self.check_protected(contract, value, &fields)?;
            passed.root = Some(root);
            return Ok(());
        }
        let Some(root) = passed.root else {
            return refuse("there is no list or tree before it", String::new());
        };
        let looks = does == Does::Look || contract.name == "bpf_rbtree_remove";
        if param.borrowed {
            if !borrowed && !owned {
                let kernel = format!("arg#{} expected pointer to allocated object", number - 1);
                return refuse("it is neither borrowed nor owned", kernel);
            }
        } else if looks {
            if !borrowed {
                return refuse(
                    "it is not a node in a tree",
                    "rbtree_remove node input must be non-owning ref".to_owned(),
                );
            }
        } else if !owned {
            return refuse(
                "the program does not own it",
                "arg#1 expected pointer to allocated object".to_owned(),
            );
        }
        let of = self.types.local(root.of);
        if value.kind != Kind::Object(of) || at != i64::from(root.node) {
            let kernel = format!("operation on {} expects arg#1 {name}", root.name());
            return refuse("it is a node of another struct, or another node", kernel);
        }
        if does == Does::Insert && !param.borrowed {
            passed.inserted = Some(value.owner);
        }
        Ok(())
    }

    /// An object that the program made or took out, and owns.
    pub(crate) fn is_owned(&self, value: &Value) -> bool {
        const OTHERS: Flags =
            Flags::BORROWED.with(Flags::RCU).with(Flags::UNTRUSTED).with(Flags::PERCPU);
        matches!(value.kind, Kind::Object(_))
            && value.flags.has(Flags::ALLOCATED)
            && !value.flags.any(OTHERS)
            && self.state.owns(value.owner)
    }

    /// The lock of the same value or object is held.
    fn check_protected(
        &self,
        contract: &Contract,
        value: &Value,
        fields: &[Special],
    ) -> Result<(), Refused> {
        let of = lock_of(value);
        let held = self.state.owned.iter().any(|owned| {
            matches!(owned.kind, OwnedKind::Lock { id, of: held, .. } if Some(held) == of && id == value.id)
        });
        if held && fields.iter().filter(|field| field.is_lock()).count() == 1 {
            return Ok(());
        }
        let text = format!("{} needs the lock that is beside the list or tree", contract.name);
        Err(Rejection::new(&c::V_LOCK, text)
            .kernel("bpf_spin_lock must be held for bpf_list_head or bpf_rb_root"))
    }

    /// Inside of a function that compares nodes of a tree.
    pub(crate) fn in_tree_callback(&self) -> bool {
        self.state.frames.iter().any(|frame| match frame.entered {
            Entered::Callback { call, .. } => {
                let contract = self
                    .contracts
                    .get(call as usize)
                    .and_then(Option::as_ref)
                    .and_then(Option::as_ref);
                contract.is_some_and(|contract| adds_to_tree(&contract.name))
            }
            _ => false,
        })
    }

    /// What owned an object gave it to a list or tree: it is borrowed until the lock is given back.
    pub(crate) fn insert(&mut self, owner: u32) {
        self.state.owned.retain(|owned| owned.id != owner || owned.kind != OwnedKind::Reference);
        self.state.each(
            |value| value.owner == owner && value.is_pointer(),
            |value| {
                value.owner = 0;
                value.id = 0;
                value.flags = value.flags.with(Flags::BORROWED);
            },
        );
    }

    /// A node of a list or tree, as the host hands it out.
    pub(crate) fn node(&mut self, root: Root) -> Value {
        let of = self.types.local(root.of);
        let flags = Flags::ALLOCATED.with(Flags::BORROWED);
        Value { flags, off: root.node as i32, ..Value::pointer(Kind::Object(of)) }
    }

    /// Only what counts its owners can have another.
    pub(crate) fn check_counted(&mut self, passed: &Passed) -> Result<(), Refused> {
        let of = match passed.object.map(|object| object.kind) {
            Some(Kind::Object(of)) => of,
            _ => return Ok(()),
        };
        if self.special_of(of).iter().any(|field| field.is("bpf_refcount")) {
            return Ok(());
        }
        let text = "the object has no `struct bpf_refcount`, so it has one owner";
        Err(Rejection::new(&c::V_ARGUMENT, text)
            .kernel("arg#0 doesn't point to a type with bpf_refcount field"))
    }

    /// What functions of lists and trees, and of counted objects, give.
    pub(crate) fn graph_result(&mut self, contract: &Contract, passed: &Passed) -> Option<Value> {
        if matches!(contract.name.as_str(), "bpf_refcount_acquire" | "bpf_refcount_acquire_impl") {
            let Some(Value { kind: Kind::Object(of), .. }) = passed.object else { return None };
            let owned = passed.object.is_some_and(|object| self.is_owned(&object));
            let owner = self.acquire();
            let mut flags = Flags::ALLOCATED;
            // Who owns one already can always get another.
            if contract.words.nullable && !owned {
                flags = flags.with(Flags::NULLABLE);
            }
            return Some(Value { flags, id: owner, owner, ..Value::pointer(Kind::Object(of)) });
        }
        let root = passed.root?;
        let mut value = match does(&contract.name)? {
            Does::Insert | Does::Ask => return None,
            Does::Look => self.node(root),
            Does::Take => {
                let owner = self.acquire();
                let node = self.node(root);
                Value { owner, id: owner, flags: node.flags.without(Flags::BORROWED), ..node }
            }
        };
        if contract.words.nullable {
            value.flags = value.flags.with(Flags::NULLABLE);
            if value.id == 0 {
                value.id = self.fresh_id();
            }
            self.born.insert(value.id, (contract.name.clone(), self.slot));
        }
        Some(value)
    }
}

/// What a lock in a value or object is told apart by, besides its identity.
pub(crate) fn lock_of(value: &Value) -> Option<u32> {
    match value.kind {
        Kind::MapValue(map) => Some(map),
        Kind::Object(of) => Some(of | 1 << 31),
        _ => None,
    }
}
