//! How much work one run may do, and the account it is charged to.

use std::cell::Cell;

use lineshaft_model::Reason;

/// What one run of a mapping may use. Counted in steps, not in time, so a run is the same on every machine.
///
/// A compiled plan that gives up hands over to the interpreter, which starts with the whole budget again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Steps: one for each definition entered, element visited or branch taken, and one for every 128 bytes or eight
    /// values that a step copies, compares or writes.
    pub steps: u64,
    /// The most bytes that all outputs of a run may have together.
    pub output_bytes: usize,
    /// The most stack a run may use below its caller, in bytes.
    pub stack_bytes: usize,
}

impl Budget {
    /// Room for about a tenth of a second of work on an ordinary machine.
    pub const DEFAULT: Self =
        Self { steps: 500_000, output_bytes: 16 * 1024 * 1024, stack_bytes: 512 * 1024 };
}

impl Default for Budget {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why a run was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Steps,
    Stack,
    Depth,
    Size,
    Output,
}

impl Stop {
    pub(crate) fn reason(self, budget: &Budget) -> Reason {
        let (code, message, hint) = match self {
            Self::Steps => (
                "mapping-too-long",
                format!("the mapping did not end within {} steps", budget.steps),
                "look for a loop without an end, or allow it more steps",
            ),
            Self::Stack => (
                "mapping-too-recursive",
                "the mapping calls itself too deeply".to_owned(),
                "end the recursion, or make the call the last thing a definition does",
            ),
            Self::Depth => (
                "mapping-value-too-deep",
                format!("a value is nested deeper than {MAX_DEPTH} levels"),
                "look for a value that is put into itself again and again",
            ),
            Self::Size => (
                "mapping-value-too-large",
                format!("a string or number is larger than {MAX_TEXT} bytes"),
                "look for a string that is added to itself again and again",
            ),
            Self::Output => (
                "mapping-output-too-large",
                format!("the outputs have more than {} bytes", budget.output_bytes),
                "split the input into smaller documents",
            ),
        };
        Reason::new(code, message).hint(hint)
    }
}

/// How deep a value may be while a mapping works on it.
pub(crate) const MAX_DEPTH: usize = 256;
/// The longest string a mapping may make, in bytes.
pub(crate) const MAX_TEXT: usize = 8 * 1024 * 1024;

/// The smallest unit of account: one byte looked at.
pub(crate) const GRAINS_PER_STEP: u64 = 128;
/// What visiting one value costs.
pub(crate) const GRAINS_PER_VALUE: u64 = 16;

/// The account of one run. Once it is overdrawn it stays so, whatever the mapping tries to catch.
#[derive(Debug)]
pub(crate) struct Account {
    grains: Cell<u64>,
    stopped: Cell<Option<Stop>>,
    /// The most grains that weighing one value has cost: what turning it into an error message may cost again.
    largest: Cell<u64>,
    stack_start: usize,
    stack_bytes: usize,
}

fn stack_position() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)) as usize
}

impl Account {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self {
            grains: Cell::new(budget.steps.saturating_mul(GRAINS_PER_STEP)),
            stopped: Cell::new(None),
            largest: Cell::new(0),
            stack_start: stack_position(),
            stack_bytes: budget.stack_bytes,
        }
    }

    /// Why the run was stopped, if it was.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stopped.get()
    }

    /// Steps used so far, rounded up.
    pub(crate) fn used(&self, budget: &Budget) -> u64 {
        let all = budget.steps.saturating_mul(GRAINS_PER_STEP);
        all.saturating_sub(self.grains.get()).div_ceil(GRAINS_PER_STEP)
    }

    /// Remembers the size of a value.
    pub(crate) fn saw(&self, grains: u64) {
        self.largest.set(self.largest.get().max(grains));
    }

    /// Pays for an error that was caught: its message shows a value, at worst the largest one.
    pub(crate) fn caught(&self) -> Result<(), Stop> {
        self.pay(GRAINS_PER_STEP + self.largest.get() / 4)
    }

    /// Grains that are left.
    pub(crate) fn left(&self) -> u64 {
        self.grains.get()
    }

    pub(crate) fn stop(&self, why: Stop) -> Stop {
        let first = self.stopped.get().unwrap_or(why);
        self.stopped.set(Some(first));
        self.grains.set(0);
        first
    }

    /// Pays for one step and looks at the stack.
    #[inline]
    pub(crate) fn tick(&self) -> Result<(), Stop> {
        if self.stack_start.abs_diff(stack_position()) > self.stack_bytes {
            return Err(self.stop(Stop::Stack));
        }
        self.pay(GRAINS_PER_STEP)
    }

    #[inline]
    pub(crate) fn pay(&self, grains: u64) -> Result<(), Stop> {
        match self.grains.get().checked_sub(grains) {
            Some(left) if self.stopped.get().is_none() => {
                self.grains.set(left);
                Ok(())
            }
            _ => Err(self.stop(Stop::Steps)),
        }
    }
}
