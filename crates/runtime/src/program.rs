//! A program that is ready to run, and what a run gives. Any number of threads can run the same
//! program at once, each with a context of its own; they share the maps.

use std::sync::Arc;

use crate::codes;
use crate::context::Context;
use crate::environment::Environment;
use crate::image::Image;
use crate::interpreter::Machine;
use crate::memory::{CONTEXT, address};
use crate::trap::Trap;

/// A program of a load. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Program {
    image: Arc<Image>,
    environment: Arc<Environment>,
}

/// What a run gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The value of r0.
    pub value: u64,
    /// How many instructions were executed.
    pub instructions: u64,
}

impl Program {
    pub(crate) fn new(image: Arc<Image>, environment: Arc<Environment>) -> Self {
        Program { image, environment }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.image.name
    }

    /// A context for it, all zero. It can be used for any number of runs, and for every program of
    /// the same host with the same context struct.
    pub fn context(&self) -> Context {
        Context::new(self.image.layout.clone(), Arc::clone(&self.image.space))
    }

    /// Runs it once. The context and the packet are what the program left, also after a trap.
    pub fn run(&self, context: &mut Context) -> Result<Outcome, Trap> {
        let image = &*self.image;
        if !Arc::ptr_eq(&context.space, &image.space) {
            context.memory.set_space(&image.space);
            context.space = Arc::clone(&image.space);
        }
        let same = match (context.memory.layout(), &image.layout) {
            (Some(given), Some(wanted)) => Arc::ptr_eq(given, wanted),
            (None, None) => true,
            _ => false,
        };
        if !same {
            let name = abide_diag::printable(&image.name);
            let message = format!("the context was not made for `{name}` or a program of its type");
            return Err(Trap::new(&codes::T_FOREIGN_CONTEXT, message)
                .help("make it with `context()` of a program of the same type and host"));
        }
        let services = &self.environment.services;
        if context.cpu >= services.cpus {
            let (cpu, cpus) = (context.cpu, services.cpus);
            return Err(Trap::body(format!("there is no CPU {cpu}: the host has {cpus}")));
        }
        let memory = std::mem::take(&mut context.memory);
        let fuel = context.fuel.unwrap_or(services.fuel);
        let mut machine = Machine::new(memory, Arc::clone(&self.environment), context.cpu, fuel);
        machine.watch = image.claims.as_ref().map(|_| Box::default());
        let first = if image.layout.is_some() { address(CONTEXT, 0) } else { 0 };
        let result = machine.run(image, first);
        let instructions = machine.executed();
        let leak = machine.memory.end_run();
        context.memory = machine.memory;
        let value = result?;
        match leak {
            None => Ok(Outcome { value, instructions }),
            Some(trap) => Err(trap.note(format!("program {}", abide_diag::printable(&image.name)))),
        }
    }
}
