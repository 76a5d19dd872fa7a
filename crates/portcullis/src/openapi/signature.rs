//! A function's arguments and answer, as types, and how they are brought together.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};

use super::{Describe, OperationBuilder};

/// The arguments and the answer of an async function.
///
/// `T` is the same marker that axum's [`Handler`] uses. The bounds of a route stand on
/// [`Args`](Self::Args) and [`Out`](Self::Out), not on the function: so the compiler names the
/// argument that is at fault.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "this is no async function, or its future cannot be sent to another thread",
    note = "write `async fn`, with at most 16 arguments, and hold nothing over an `.await` that is not `Send`"
)]
pub trait Signature<T>: Clone + Send + Sync + 'static {
    /// What it takes: a tuple.
    type Args;
    /// What it answers with.
    type Out;
    /// What it runs as.
    type Future: Future<Output = Self::Out> + Send + 'static;

    /// Calls it.
    fn call(self, arguments: Self::Args) -> Self::Future;
}

/// A tuple of arguments, each of which can be taken out of a request; the last may take the body.
#[diagnostic::on_unimplemented(
    message = "the arguments `{Self}` cannot be taken out of a request",
    note = "only the last argument may read the body: put `Json`, `Form`, `Bytes`, `String` or `Request` there",
    note = "`State<…>` must be of the type of the table's state, or one that it gives by `axum::extract::FromRef`"
)]
pub trait Arguments<T, S>: Sized + Send {
    /// Takes them out of the request, from the first to the last.
    fn extract(request: Request, state: &S) -> impl Future<Output = Result<Self, Response>> + Send;
}

/// A function as axum calls it.
pub(crate) struct Call<F, T> {
    function: F,
    marker: PhantomData<fn() -> T>,
}

impl<F, T> Call<F, T> {
    pub(crate) fn new(function: F) -> Self {
        Self { function, marker: PhantomData }
    }
}

impl<F: Clone, T> Clone for Call<F, T> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone())
    }
}

impl<F, T> fmt::Debug for Call<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<F>())
    }
}

impl<F, T, S> Handler<T, S> for Call<F, T>
where
    F: Signature<T>,
    F::Args: Arguments<T, S>,
    F::Out: IntoResponse,
    T: 'static,
    S: Send + Sync + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, state: S) -> Self::Future {
        Box::pin(async move {
            match F::Args::extract(request, &state).await {
                Ok(arguments) => self.function.call(arguments).await.into_response(),
                Err(refusal) => refusal,
            }
        })
    }
}

#[diagnostic::do_not_recommend]
impl<F, Fut> Signature<((),)> for F
where
    F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future + Send + 'static,
{
    type Args = ();
    type Out = Fut::Output;
    type Future = Fut;

    fn call(self, (): ()) -> Fut {
        self()
    }
}

impl<S: Sync> Arguments<((),), S> for () {
    async fn extract(_: Request, _: &S) -> Result<Self, Response> {
        Ok(())
    }
}

impl Describe for () {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

macro_rules! arity {
    ($($argument:ident)* ; $last:ident) => {
        #[diagnostic::do_not_recommend]
        impl<F, Fut, M, $($argument,)* $last> Signature<(M, $($argument,)* $last,)> for F
        where
            F: FnOnce($($argument,)* $last,) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future + Send + 'static,
        {
            type Args = ($($argument,)* $last,);
            type Out = Fut::Output;
            type Future = Fut;

            #[expect(non_snake_case, reason = "a variable for each type")]
            fn call(self, ($($argument,)* $last,): Self::Args) -> Fut {
                self($($argument,)* $last,)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<S, M, $($argument,)* $last> Arguments<(M, $($argument,)* $last,), S>
            for ($($argument,)* $last,)
        where
            S: Send + Sync,
            $($argument: FromRequestParts<S> + Send,)*
            $last: FromRequest<S, M> + Send,
        {
            #[expect(non_snake_case, reason = "a variable for each type")]
            async fn extract(request: Request, state: &S) -> Result<Self, Response> {
                let (parts, body) = request.into_parts();
                $(
                    let mut parts = parts;
                    let $argument = $argument::from_request_parts(&mut parts, state)
                        .await
                        .map_err(IntoResponse::into_response)?;
                )*
                let request = Request::from_parts(parts, body);
                let $last = $last::from_request(request, state)
                    .await
                    .map_err(IntoResponse::into_response)?;
                Ok(($($argument,)* $last,))
            }
        }

        impl<$($argument: Describe,)* $last: Describe> Describe for ($($argument,)* $last,) {
            fn describe(operation: &mut OperationBuilder<'_>) {
                $($argument::describe(operation);)*
                $last::describe(operation);
            }
        }
    };
}

arity!(; A1);
arity!(A1 ; A2);
arity!(A1 A2 ; A3);
arity!(A1 A2 A3 ; A4);
arity!(A1 A2 A3 A4 ; A5);
arity!(A1 A2 A3 A4 A5 ; A6);
arity!(A1 A2 A3 A4 A5 A6 ; A7);
arity!(A1 A2 A3 A4 A5 A6 A7 ; A8);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 ; A9);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 ; A10);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 ; A11);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 ; A12);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 ; A13);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 ; A14);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 ; A15);
arity!(A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 ; A16);
