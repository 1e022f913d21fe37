//! Tests of the step function: every kind of task, crashes between every two steps, and a plain model beside it.

mod compensation;
mod definitions;
mod events;
mod flow;
mod people;
mod retries;
mod simulation;
mod world;
