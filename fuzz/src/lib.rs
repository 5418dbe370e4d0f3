//! What several targets share: the committed APIs with a host of each node, and what must hold of a
//! linked program. Knows no target.

pub mod assembly;

use std::sync::{Arc, LazyLock};

use abide_api::{Api, HostProfile, Program};
use abide_isa::{Kind, decode};

/// The committed APIs.
pub static APIS: LazyLock<Vec<Arc<Api>>> = LazyLock::new(|| {
    [("linux.api", include_str!("../../apis/linux.api")), ("kv.api", kv_example::API)]
        .into_iter()
        .map(|(name, text)| Arc::new(Api::parse(name, text).expect("a committed API file")))
        .collect()
});

/// A host of each node and of each `host` statement of them.
pub static HOSTS: LazyLock<Vec<HostProfile>> = LazyLock::new(|| {
    let names = |api: &Arc<Api>| {
        let nodes = api.nodes.iter().map(|node| node.name.clone());
        nodes.chain(api.hosts.iter().map(|host| host.name.clone())).collect::<Vec<_>>()
    };
    let at = |api, name: String| HostProfile::at(api, &name).expect("it has this node");
    APIS.iter().flat_map(|api| names(api).into_iter().map(move |name| at(api, name))).collect()
});

/// It decodes, and its jumps and local calls stay inside.
pub fn check(program: &Program) {
    let count = program.slots.len() as i64;
    let mut slot = 0;
    while slot < program.slots.len() {
        let insn = decode(&program.slots[slot..]).expect("what was linked decodes");
        let inside = |distance: i64| (0..count).contains(&(slot as i64 + 1 + distance));
        if let Some(jump) = insn.jump() {
            let function = program.function_at(slot as u32).expect("there are no gaps");
            let to = slot as i64 + 1 + i64::from(jump);
            assert!(function.slots.contains(&(to as u32)), "{slot} jumps to {to}");
        }
        if insn.kind() == Kind::CallLocal {
            let to = slot as i64 + 1 + insn.imm;
            let starts = |start: u32| i64::from(start) == to;
            assert!(inside(insn.imm), "{slot} calls {to}");
            assert!(program.functions.iter().any(|function| starts(function.slots.start)));
        }
        slot += insn.slots();
    }
}
