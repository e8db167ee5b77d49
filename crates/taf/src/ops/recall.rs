//! What the operations of one forward pass answered, for another pass of the same network over the same clips with another graph:
//! a graph serves one backward pass, and the second pass makes its own without computing anything again.
//!
//! Only kernels are remembered. Where others compute, and from the first operation on that is not the one that is noted, the
//! second pass computes as any other does: the answers are the same.

use std::any::Any;
use std::cell::RefCell;
use std::vec::IntoIter;

/// The outputs of a pass, in order. They share their memory with its graph.
pub struct Outputs(Vec<Noted>);

struct Noted {
    operation: &'static str,
    output: Box<dyn Any + Send>,
}

enum Tape {
    Off,
    Noting(Vec<Noted>),
    Recalling(IntoIter<Noted>),
}

thread_local! {
    static TAPE: RefCell<Tape> = const { RefCell::new(Tape::Off) };
}

/// Does `work`, a forward pass, on this thread, and keeps what its operations answer.
pub fn note_outputs<R>(work: impl FnOnce() -> R) -> (R, Outputs) {
    let (result, tape) = with_tape(Tape::Noting(Vec::new()), work);
    match tape {
        Tape::Noting(noted) => (result, Outputs(noted)),
        Tape::Off | Tape::Recalling(_) => (result, Outputs(Vec::new())),
    }
}

/// Does `work`, the same forward pass in another graph, on this thread with the answers that were kept.
pub fn recall_outputs<R>(outputs: Outputs, work: impl FnOnce() -> R) -> R {
    with_tape(Tape::Recalling(outputs.0.into_iter()), work).0
}

fn with_tape<R>(tape: Tape, work: impl FnOnce() -> R) -> (R, Tape) {
    /// Goes back to what was, also when `work` panics.
    struct Restore(Option<Tape>);
    impl Drop for Restore {
        fn drop(&mut self) {
            if let Some(tape) = self.0.take() {
                TAPE.replace(tape);
            }
        }
    }
    let mut before = Restore(Some(TAPE.replace(tape)));
    let result = work();
    let tape = TAPE.replace(before.0.take().expect("it is taken once"));
    (result, tape)
}

/// The output of an operation: recalled, or computed, and noted where outputs are.
pub(super) fn output<R: Clone + Send + 'static>(operation: &'static str, compute: impl FnOnce() -> R) -> R {
    if let Some(output) = TAPE.with_borrow_mut(|tape| recalled(tape, operation)) {
        return output;
    }
    let output = compute();
    TAPE.with_borrow_mut(|tape| {
        if let Tape::Noting(noted) = tape {
            noted.push(Noted { operation, output: Box::new(output.clone()) });
        }
    });
    output
}

fn recalled<R: 'static>(tape: &mut Tape, operation: &str) -> Option<R> {
    let Tape::Recalling(noted) = tape else { return None };
    let next = noted.next().filter(|next| next.operation == operation);
    match next.and_then(|next| next.output.downcast().ok()) {
        Some(output) => Some(*output),
        None => {
            *tape = Tape::Off;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{note_outputs, output, recall_outputs};

    #[test]
    fn outputs_are_recalled_in_order_until_another_operation_is_asked_for() {
        let ((), noted) = note_outputs(|| {
            assert_eq!([output("a", || 1), output("b", || 2), output("a", || 3)], [1, 2, 3]);
        });
        let unseen = || -> i32 { unreachable!("it is known") };
        recall_outputs(noted, || {
            assert_eq!(output("a", unseen), 1);
            assert_eq!(output("c", || 7), 7, "this was not noted");
            assert_eq!(output("a", || 8), 8, "nothing is recalled from there on");
        });
        assert_eq!(output("a", || 9), 9, "nor outside");
    }
}
