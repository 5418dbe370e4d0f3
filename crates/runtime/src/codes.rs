//! Codes of the messages of this room: traps of running programs, and mistakes in setting up a host.
//! Holds no logic.

abide_diag::codes! {
    /// The program accessed memory beyond the bounds of what it may touch: past the end of a packet,
    /// of a map value, of its 512-byte stack frame. The message names the memory, its size and the
    /// offset. Compare the pointer with the end (`data_end`, the size of the value) before the access.
    T_OUT_OF_BOUNDS = "T0001", "access out of bounds";
    /// The program stored to memory that it may only read, or read memory that it may only write: a
    /// read-only map or data section (`.rodata`), a read-only packet, the bytes of a host's object.
    T_PROTECTED = "T0002", "access not permitted";
    /// The program dereferenced a null pointer, or a small number used as one. Functions whose
    /// contract says `nullable` (`bpf_map_lookup_elem`, …) may return null: test the result first.
    T_NULL = "T0003", "null pointer dereferenced";
    /// The program dereferenced a number that is no address of any memory that it has, or one whose
    /// memory is gone: a submitted ring buffer record, the stack frame of a function that returned.
    T_UNKNOWN_POINTER = "T0004", "not a pointer to any memory";
    /// The address of an atomic operation is not a multiple of its width. Plain loads and stores may
    /// be unaligned, atomic ones may not.
    T_MISALIGNED = "T0005", "misaligned atomic operation";
    /// Calls are nested deeper than eight frames, callbacks included.
    T_STACK_OVERFLOW = "T0006", "calls nested too deep";
    /// The program executed as many instructions as the host allows for one run. A loop that does not
    /// end is the usual reason; the host can also give it more fuel.
    T_FUEL = "T0007", "out of fuel";
    /// An argument of a call is not what the prototype asks for: a pointer to too little memory, a
    /// null pointer where the contract has no `__nullable`, no map where a map is wanted.
    T_ARGUMENT = "T0008", "bad argument";
    /// The program ended, and had not given back an object that it owned: what a function with the
    /// contract `acquire` returned, or a reserved ring buffer record. The host reclaims it.
    T_LEAK = "T0009", "not released at exit";
    /// An object or record was used or released after it had been released.
    T_RELEASED = "T0010", "released already";
    /// The program dereferenced a value that only functions of the host can use: an opaque object, a
    /// map, the address of a function.
    T_OPAQUE = "T0011", "opaque value dereferenced";
    /// An access to the context that its struct does not allow: outside of every field, across two
    /// fields, unaligned, a store to a field that is not `writable`, a part of a packet pointer.
    T_CONTEXT = "T0012", "context access not allowed";
    /// The instruction cannot be executed: an encoding that no standard defines, a jump to where no
    /// instruction starts, a reference that was not resolved, or the end of the program without `exit`.
    T_INVALID = "T0013", "invalid instruction";
    /// An indirect call through a register that does not hold the address of a function of the program.
    T_BAD_CALL = "T0014", "indirect call to no function";
    /// The value that the program returned is outside of the range that its program type declares
    /// (`returns A..B` in the API file).
    T_VERDICT = "T0015", "returned value out of range";
    /// The body of a definition, which is code of the host, could not do its work. The message is the
    /// host's.
    T_BODY = "T0016", "a function of the host failed";
    /// A packet load (`r0 = *(u16 *)skb[12]`) needs the context in r6, and a context with a packet.
    T_PACKET_LOAD = "T0017", "packet load without a packet";
    /// A run of a proved program came to a state that its proof excludes. Runs are compared with the proof
    /// when that is asked for (`abide run --paranoid`). This is a mistake of Abide's verifier: please
    /// report it with the program and the input that are printed.
    T_CONTRADICTION = "T0018", "the run contradicts the proof";
    /// The host serves a definition, by its node and date, for which no body was registered.
    /// Every missing one is listed.
    T_NO_BODY = "T0101", "definition without a body";
    /// The parameters of a body do not fit the prototype of its definition. The message says which
    /// parameter, what it is in the prototype, and which Rust types would fit.
    T_MISFIT = "T0102", "body does not fit its prototype";
    /// A body was registered for a definition that the API does not have. Labels are `name@NODE`,
    /// where NODE is the one that defines it.
    T_UNKNOWN_DEFINITION = "T0103", "body for an unknown definition";
    /// A body was registered for a definition that this host does not serve (its window is over, or
    /// the host is older). It is not used; this is a warning.
    T_NOT_SERVED = "T0104", "body is never used";
    /// A body was registered twice for the same definition.
    T_TWICE = "T0105", "two bodies for one definition";
    /// A map of the object cannot be made on this host.
    T_MAP = "T0106", "map cannot be created";
    /// The object has no program of this name, or several and none was named.
    T_NO_PROGRAM = "T0107", "no such program";
    /// The host set a field of the context that is not there, that is no plain value, or with a value
    /// that does not fit.
    T_CONTEXT_VALUE = "T0108", "context cannot be set so";
    /// The object was compiled for machines of the other byte order: its code and data would mean
    /// something else here.
    T_ENDIAN = "T0110", "object of the other byte order";
    /// A context was given to a program that it was not made for.
    T_FOREIGN_CONTEXT = "T0109", "context of another program type";
}
