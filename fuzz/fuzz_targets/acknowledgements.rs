//! Any bytes answered and read as an answer: what is answered is well formed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lineshaft_formats::edi::{Agreement, Circumstances, Dialect, Ta1, acknowledge, answers, received};

fuzz_target!(|input: &[u8]| {
    let agreement = Agreement { ta1: Ta1::Always, rejects_errors: true, ..Agreement::default() };
    let now = Circumstances { control: "1", at: "2026-01-31T09:15:00Z", is_duplicate: false };
    for dialect in [Dialect::X12, Dialect::Edifact] {
        answers(dialect, input);
        for interchange in received(dialect, input) {
            let Ok(answer) = acknowledge(input, &interchange, &agreement, now) else { continue };
            for again in received(dialect, &answer.text) {
                assert_eq!(again.all_faults().count(), 0);
            }
        }
    }
});
