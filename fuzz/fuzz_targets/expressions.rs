#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellwether_tests::fuzz::run("expressions", data));
