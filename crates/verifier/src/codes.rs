//! Codes of rejections. Holds no logic.

abide_diag::codes! {
    /// Some instructions cannot be reached from the entry of the program. Remove them: the kernel
    /// does not take such a program either.
    V_UNREACHABLE = "V0101", "unreachable code";
    /// A jump or call leads to where no instruction starts, or out of its function; or the code of a
    /// function runs on past its end.
    V_BAD_JUMP = "V0102", "bad control flow";
    /// A function calls itself, directly or through others, or calls are nested deeper than eight frames.
    V_CALL_DEPTH = "V0103", "calls nested too deep";
    /// Together the stack frames of a chain of calls need more than 512 bytes (256 if one of them
    /// makes a tail call).
    V_STACK_DEPTH = "V0104", "too much stack";
    /// The bytes are no instruction, or one that no program may contain.
    V_INSTRUCTION = "V0105", "invalid instruction";
    /// The program is attached to a function or tracepoint that the host's types do not have: it was renamed,
    /// inlined or removed, or it belongs to a module whose types were not given.
    V_TARGET = "V0106", "nothing to attach to";

    /// A register is read that nothing was written to: at the entry only r1 (the context) and r10 are
    /// set, and calls lose r1 to r5.
    V_UNINIT = "V0201", "register not set";
    /// r10 points to the stack frame and cannot be changed.
    V_FRAME_POINTER = "V0202", "r10 is read-only";
    /// This arithmetic on a pointer would give something that is no pointer into the same memory:
    /// only addition and subtraction of numbers are allowed, on whole registers, and not on pointers
    /// that may be null or that have no inside.
    V_POINTER_MATH = "V0203", "arithmetic on a pointer not allowed";
    /// The number added to a pointer is not bounded well enough to say where it points.
    V_POINTER_RANGE = "V0204", "pointer offset not bounded";

    /// The stack has 512 bytes below r10, and the access is not wholly inside.
    V_STACK_BOUNDS = "V0301", "stack access out of bounds";
    /// Bytes of the stack are used that nothing was written to.
    V_STACK_UNINIT = "V0302", "stack not initialised";
    /// A number is used as an address. It may have been a pointer that was cut, or read back from
    /// memory that holds no pointers.
    V_NOT_POINTER = "V0303", "not a pointer";
    /// A pointer that may be null is dereferenced or calculated with. Test it first.
    V_NULL = "V0304", "may be null";
    /// An access to a map value, or other memory of known size, can lie outside of it.
    V_BOUNDS = "V0305", "access out of bounds";
    /// An access to the packet can lie outside of what was compared with its end.
    V_PACKET_BOUNDS = "V0306", "packet access not proved";
    /// The context has no field there, not for this access, or not for this program type.
    V_CONTEXT = "V0307", "context access not allowed";
    /// A store to memory that programs may only read, or a load from memory that they may only write.
    V_PROTECTED = "V0308", "memory is protected";
    /// The address is not a multiple of the width of the access, where that is needed.
    V_MISALIGNED = "V0309", "misaligned access";
    /// What this pointer points to can only be handed to functions.
    V_OPAQUE = "V0310", "memory has no accessible inside";
    /// An access to an object of the host that its type does not allow.
    V_OBJECT = "V0311", "object access not allowed";
    /// A field of a map value or object that only functions may touch (a lock, a timer, a kernel
    /// pointer, a list) is accessed directly, or passed as plain memory.
    V_SPECIAL_FIELD = "V0312", "special field accessed";

    /// An argument is not of the type that the definition takes.
    V_ARGUMENT = "V0401", "argument of another type";
    /// The size of a memory argument is not bounded, negative, or zero where it may not be.
    V_SIZE = "V0402", "size argument not bounded";
    /// An argument must be known when the program is loaded, and is not.
    V_CONSTANT = "V0403", "argument not constant";
    /// The map is not of a kind that this function works with.
    V_MAP_KIND = "V0404", "map of another kind";
    /// The function that is called is not there: a weak extern that the host does not have, on a path
    /// that can be taken.
    V_NO_FUNCTION = "V0405", "function not served";
    /// The function may not be called here: not in this kind of program or state.
    V_NOT_HERE = "V0406", "call not allowed here";
    /// What a program throws to is one global function of its object, by the tag
    /// `exception_callback:NAME`: it takes a number, returns what the program may return, and is called
    /// by nobody. Functions that the host calls back cannot throw, nor can that one.
    V_EXCEPTION = "V0407", "exception misused";

    /// The program can end and still own an object or record. Give it back on every path.
    V_LEAK = "V0501", "reference not released";
    /// What is released or used was not acquired, or is released already.
    V_RELEASE = "V0502", "not a reference that the program owns";
    /// Locks are taken one at a time, given back in order, and not held over calls or the end.
    V_LOCK = "V0503", "lock misused";
    /// A section (RCU, no preemption, no interrupts) is left open or closed twice.
    V_SECTION = "V0504", "section misused";
    /// A dynptr or an iterator on the stack is used before it was made, made twice, or overwritten.
    V_STACK_OBJECT = "V0505", "dynptr or iterator misused";

    /// The program came back to a state that it had been in: it may never end.
    V_INFINITE_LOOP = "V0601", "infinite loop";
    /// The budget of instructions is used up. Loops that are unrolled in the walk, or many
    /// independent branches, are the usual reason.
    V_TOO_COMPLEX = "V0602", "too complex";

    /// The value that the program returns can be outside of what its type allows.
    V_RETURN = "V0701", "returned value out of range";

    /// A program that is loaded without privileges would learn an address: it makes a number of a pointer, returns
    /// it, compares it, or puts it where others read it.
    V_DISCLOSED = "V0801", "address disclosed";
    /// On Linux only loaders with privileges may do this: most program types, kinds of maps and helpers, functions,
    /// loops.
    V_PRIVILEGED = "V0802", "for privileged programs";
    /// A processor runs ahead before it knows, and engines can make this safe only if a pointer stays inside of its
    /// memory and a number that is added to it has one limit, whichever way leads there. That holds for programs
    /// that are loaded without privileges.
    V_SPECULATION = "V0803", "not safe while a processor runs ahead";

    /// Abide's verifier cannot prove this yet. The kernel may accept the program.
    V_GAP = "V0901", "not provable yet";
}
