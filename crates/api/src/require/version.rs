//! Which API and version an object speaks: its stamps (binding rule 1), or the baseline (rule 2).
//! What its calls mean then is `reader`'s.

use std::sync::Arc;

use abide_object::Object;

use crate::bind::codes as c;
use crate::model::{Api, NodeId};
use crate::refusal::Refusal;

/// The API and node that the stamps of an object name (binding rule 1), or the baseline (rule 2).
pub(super) fn declared_version(
    object: &Object,
    apis: &[Arc<Api>],
) -> Result<(Arc<Api>, Option<NodeId>), Refusal> {
    let known = || apis.iter().map(|api| api.name.as_str()).collect::<Vec<_>>().join(", ");
    let Some(stamp) = object.stamps.first() else {
        let with_baseline = apis.iter().find(|api| api.baseline.is_some());
        return match with_baseline {
            Some(api) => Ok((Arc::clone(api), None)),
            None => Err(Refusal::new(
                &c::R_NO_STAMP,
                ".bpf.api",
                "the object does not say which version of the API it was built for",
            )
            .note(format!("the API `{}` has no baseline for objects without a stamp", known()))
            .help(
                "add ABIDE_API(api, NODE) to the source: a string `api@NODE` in section .bpf.api",
            )),
        };
    };
    let label = |stamp: &abide_object::Stamp| {
        abide_diag::printable(&format!("{}@{}", stamp.api, stamp.node)).into_owned()
    };
    if let Some(other) = object.stamps.iter().find(|other| other.api != stamp.api) {
        return Err(Refusal::new(
            &c::R_TWO_APIS,
            label(other),
            format!(
                "the object is stamped {} and {}: one object speaks one API",
                label(stamp),
                label(other)
            ),
        ));
    }
    if let Some(other) = object.stamps.iter().find(|other| other.node != stamp.node) {
        return Err(Refusal::new(
            &c::R_TWO_STAMPS,
            label(other),
            format!("the object is stamped both {} and {}", label(stamp), label(other)),
        )
        .help("link objects that were built for the same version"));
    }
    let api = apis.iter().find(|api| api.name == stamp.api).ok_or_else(|| {
        Refusal::new(
            &c::R_UNKNOWN_API,
            label(stamp),
            format!("the object is stamped {}, an API that is not known here", label(stamp)),
        )
        .note(format!("known here: {}", known()))
        .help("name its API file with --api")
    })?;
    let node = api.node(&stamp.node).ok_or_else(|| {
        let newest = api.nodes.iter().max_by_key(|node| node.released);
        let newest = newest.map_or("none", |node| node.name.as_str());
        Refusal::new(
            &c::R_UNKNOWN_NODE,
            label(stamp),
            format!(
                "the object is stamped {}, a version that the API file does not have",
                label(stamp)
            ),
        )
        .note(format!("the newest node of `{}` is {newest}", api.name))
        .help("get a newer API file, or build the object for a version that this one has")
    })?;
    Ok((Arc::clone(api), Some(node)))
}
