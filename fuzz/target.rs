//! What every target is: a property for the fuzzer or, without it, for every file that is named.

/// Makes a program of the property `holds` of a module; of bytes, unless a type and what reads it from a file are named.
macro_rules! target {
    ($property:ident) => {
        target!($property, &[u8], std::fs::read);
    };
    ($property:ident, $input:ty, $read:path) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|input: $input| $property::holds(input));

        #[cfg(not(fuzzing))]
        fn main() {
            std::env::args_os().skip(1).for_each(|file| $property::holds(&$read(file).expect("a file")));
        }
    };
}
