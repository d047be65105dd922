//! What is said of the API to those who use it: the parts of its OpenAPI document that no handler
//! says for itself.

mod document;
mod refusals;
mod shapes;
mod texts;
mod webhooks;

pub(crate) use document::{complete, operations};
pub(crate) use refusals::{BadParameter, KeyInUse, NoRange, NotInThisState, NotThere, Unready};
pub(crate) use shapes::{
    AttemptList, Circuit, DefinedBy, Event, FinishedJob, PullVerdict, PulledEvents, RedriveStatus,
    SinkPatch,
};
pub(crate) use texts::{
    EventType, IdempotencyKeyText, JobIdText, JobSink, MethodText, MomentText, SecretText,
    SinkName, TagText, TimeText,
};
