//! A function's arguments and answer, as types.

use super::{Describe, OperationBuilder};

/// The arguments and the answer of an async function.
///
/// `T` is the same marker that axum's [`Handler`](axum::handler::Handler) uses, so that both speak
/// of the same function. The bounds stand on [`Args`](Self::Args) and [`Out`](Self::Out), not on
/// the function: so the compiler names the argument that is at fault.
pub trait Signature<T> {
    /// What it takes: a tuple.
    type Args;
    /// What it answers with.
    type Out;
}

#[diagnostic::do_not_recommend]
impl<F, Fut> Signature<((),)> for F
where
    F: FnOnce() -> Fut,
    Fut: Future,
{
    type Args = ();
    type Out = Fut::Output;
}

impl Describe for () {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

macro_rules! arity {
    ($($argument:ident)+) => {
        #[diagnostic::do_not_recommend]
        impl<F, Fut, M, $($argument,)+> Signature<(M, $($argument,)+)> for F
        where
            F: FnOnce($($argument,)+) -> Fut,
            Fut: Future,
        {
            type Args = ($($argument,)+);
            type Out = Fut::Output;
        }

        impl<$($argument: Describe,)+> Describe for ($($argument,)+) {
            fn describe(operation: &mut OperationBuilder<'_>) {
                $($argument::describe(operation);)+
            }
        }
    };
}

arity!(A1);
arity!(A1 A2);
arity!(A1 A2 A3);
arity!(A1 A2 A3 A4);
arity!(A1 A2 A3 A4 A5);
arity!(A1 A2 A3 A4 A5 A6);
arity!(A1 A2 A3 A4 A5 A6 A7);
arity!(A1 A2 A3 A4 A5 A6 A7 A8);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16);
