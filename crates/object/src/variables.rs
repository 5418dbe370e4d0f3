//! Variables of the host, in `.ksyms`: the instruction that loads the address of one names it by its number
//! in the types of the host, as the kernel takes it. Looks at no host by itself.

use abide_btf::{Btf, Kind, TypeId};
use abide_isa::Raw;

use crate::model::{ExternKind, Object, Target};

/// The first slot of the instruction that loads an address, and its source for a variable.
const WIDE: u8 = 0x18;
const VARIABLE: u8 = 3;

impl Object {
    /// Names variables of the host by their numbers in its types. Those that it does not have, and those
    /// without a type in the object, stay as they are.
    pub fn place_variables(&mut self, types: &Btf) {
        let (externs, own) = (&self.externs, self.btf.as_ref());
        let number = |target: Target| {
            let Target::Extern(id) = target else { return None };
            let found = externs.get(id.index())?;
            let ExternKind::Ksym { ty: Some(ty) } = found.kind else { return None };
            let typed = own.is_some_and(|own| own.strip(ty) != TypeId::VOID);
            types.by_name(Kind::Var, &found.name).filter(|_| typed)
        };
        for function in &mut self.functions {
            function.relocations.retain(|relocation| {
                let Some(id) = number(relocation.target) else { return true };
                let rest = function.slots.get_mut(relocation.slot as usize..);
                let Some([low, high, ..]) = rest.filter(|rest| rest[0].code == WIDE) else {
                    return true;
                };
                *low = Raw { src: VARIABLE, imm: id.0 as i32, ..*low };
                high.imm = 0;
                false
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use abide_btf::{Builder, ByteOrder, Linkage};

    use super::*;
    use crate::model::{Extern, ExternId, Function, Relocation};

    #[test]
    fn variables_are_named_by_number() {
        let built = |names: &[&str]| {
            let mut builder = Builder::new();
            let int = builder.int("int", 4, true);
            for name in names {
                builder.variable(name, int, Linkage::Global);
            }
            (builder.finish(ByteOrder::Little).expect("types"), int)
        };
        let (types, _) = built(&["other", "active"]);
        let (own, int) = built(&[]);
        let typed = |name: &str, ty| Extern {
            name: name.to_owned(),
            weak: false,
            section: Some(".ksyms".to_owned()),
            kind: ExternKind::Ksym { ty },
        };
        let wide = Raw { code: WIDE, dst: 1, src: 0, off: 0, imm: 0 };
        let half = Raw { code: 0, dst: 0, src: 0, off: 0, imm: 0 };
        let relocations =
            (0..3).map(|at| Relocation { slot: at * 2, target: Target::Extern(ExternId(at)) });
        let function = Function {
            slots: [wide, half].repeat(3),
            relocations: relocations.collect(),
            ..Function::empty()
        };
        let mut object = Object {
            functions: vec![function],
            externs: vec![
                typed("active", Some(int)),
                typed("missing", Some(int)),
                typed("active", None),
            ],
            btf: Some(own),
            ..Object::empty()
        };
        object.place_variables(&types);
        let function = &object.functions[0];
        let active = types.by_name(Kind::Var, "active").expect("it is there");
        assert_eq!((function.slots[0].src, function.slots[0].imm), (VARIABLE, active.0 as i32));
        assert_eq!((function.slots[2], function.slots[4]), (wide, wide));
        let left: Vec<u32> = function.relocations.iter().map(|found| found.slot).collect();
        assert_eq!(left, [2, 4]);
    }
}
