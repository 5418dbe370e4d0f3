//! The codes of headers: what an API says that C cannot.

abide_diag::codes! {
    /// The API file may use any identifier as a name, but a C program cannot use a word of C as one.
    D_KEYWORD = "D0001", "name is a word of C";
    /// The constants of all enums stand in one namespace in C.
    D_TWO_VALUES = "D0002", "constant with two values";
}
