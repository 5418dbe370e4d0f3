//! An object made to fit a host: values of its configuration, places of fields in its types. How either is
//! done is `object`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use abide_btf::core::{Patched, Target};
use abide_diag::Diagnostic;
use abide_object::{FunctionId, MapOrigin, Object};

use crate::host::Host;
use crate::linux;
use crate::load::LoadError;

/// Instructions that need what the host's types lack, by function and slot.
pub(crate) type Lacking = BTreeMap<(FunctionId, u32), Diagnostic>;

/// An object for one host.
pub(crate) struct Fitted {
    pub(crate) object: Arc<Object>,
    pub(crate) lacking: Lacking,
}

impl Host {
    pub(crate) fn fit(&self, mut object: Arc<Object>) -> Result<Fitted, LoadError> {
        let mut lacking = Lacking::new();
        let asks = object.maps.iter().any(|map| matches!(map.origin, MapOrigin::Kconfig(_)));
        if asks {
            let config = linux::config(&self.inner.profile, &self.inner.kconfig);
            Arc::make_mut(&mut object).set_kconfig(&config).map_err(Box::new)?;
        }
        // Without types, linking says which instruction needs them.
        if let Some(types) = self.inner.types.as_deref().filter(|_| !object.core.is_empty()) {
            let relocated = object.relocate_core(&Target::new(types));
            let mut refused = Vec::new();
            for (record, outcome) in object.core.iter().zip(&relocated.outcomes) {
                let Some(report) = object.core_report(record, outcome) else { continue };
                match &outcome.result {
                    Ok(Patched::Poisoned(_)) => {
                        lacking.insert((record.function, record.slot), report);
                    }
                    _ => refused.push(report),
                }
            }
            let object = Arc::make_mut(&mut object);
            if relocated.apply(object).is_err() {
                return Err(LoadError::Core(refused));
            }
            object.core.clear();
        }
        Ok(Fitted { object, lacking })
    }
}
