//! Judges a value by its published schema.
//!
//! With the feature `all-faults` a validator for all of JSON Schema finds every fault at once. Without
//! it a small judge of our own finds the first, and refuses schemas with rules that it does not know.

#[cfg(feature = "all-faults")]
mod every;
#[cfg(any(test, not(feature = "all-faults")))]
mod first;

#[cfg(feature = "all-faults")]
pub(super) use every::Judge;
#[cfg(not(feature = "all-faults"))]
pub(super) use first::Judge;
