//! What every sink promises, tried against a scripted target.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use lineshaft_model::{Answer, DeliveryId, Envelope, IdempotencyKey, Position};

use crate::{Delivery, Sink};

/// A sink and the target it calls, which does as it is told.
pub trait Stand {
    /// The sink, with an idempotency key and limits short enough to wait for.
    fn sink(&self) -> Arc<dyn Sink>;

    /// What the target does with the next request that it has no order for yet. Without any it accepts.
    fn order(&self, act: Act);

    /// The requests the target has read whole so far: idempotency key and body.
    fn received(&self) -> Vec<(String, Vec<u8>)>;

    /// Resolves once the target has read `count` requests whole.
    fn until_received(&self, count: usize) -> BoxFuture<'_, ()>;

    /// Stops the target: after that nothing listens.
    fn stop(&self) -> BoxFuture<'_, ()>;

    /// Whether the protocol has a way to say after how long the target has time again.
    fn says_when(&self) -> bool {
        true
    }
}

/// What a target does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Does what it is asked and says so.
    Accept,
    /// Says that the request is wrong.
    Refuse,
    /// Says it has no time, and after how many seconds it will.
    Busy(u32),
    /// Does it and closes without a word.
    LoseAnswer,
    /// Reads it and says nothing.
    StaySilent,
    /// Answers with bytes that are no answer.
    TalkNonsense,
}

/// A delivery for tests: number `n`, with a body of its own.
#[must_use]
pub fn delivery(n: u64) -> Delivery {
    let envelope = Envelope {
        id: format!("e-{n}"),
        source: "urn:lineshaft:main:wms".to_owned(),
        event_type: "lineshaft.inventory.counted.v1".to_owned(),
        subject: format!("ITEM-{n}"),
        tenant: "main".to_owned(),
        ..Envelope::default()
    };
    let body = Bytes::from(format!(r#"{{"item":"ITEM-{n}","counted":"{n}"}}"#));
    Delivery {
        id: DeliveryId { event: Position(n), n: 0 },
        idempotency_key: IdempotencyKey::derive(&envelope.source, &envelope.id, "erp.post", "counts-to-erp"),
        envelope: Arc::new(envelope),
        data: body.clone(),
        body,
        slots: Vec::new(),
        attempt: 1,
        traceparent: String::new(),
        now: lineshaft_model::Millis(1_795_411_800_000),
    }
}

/// Runs every test, each with a stand of its own.
pub async fn run_all<S: Stand>(make: impl AsyncFn() -> S) {
    delivers_once_with_key_and_body(&make().await).await;
    reports_what_the_target_says(&make().await).await;
    never_guesses_when_the_answer_is_lost(&make().await).await;
    goes_on_after_every_failure(&make().await).await;
    says_again_when_nothing_listens(&make().await).await;
    can_be_cancelled(&make().await).await;
    carries_a_large_body(&make().await).await;
    keeps_many_deliveries_apart(&make().await).await;
}

/// One call is one request, with the body and the key as given.
pub async fn delivers_once_with_key_and_body(stand: &dyn Stand) {
    let delivery = delivery(1);
    let answer = stand.sink().deliver(&delivery).await;
    assert!(matches!(answer, Answer::Delivered { .. }), "an accepted request is delivered: {answer:?}");
    let sent = (delivery.idempotency_key.as_str().to_owned(), delivery.body.to_vec());
    assert_eq!(stand.received(), [sent], "one request with the key and the body as given");
}

/// What the target says is what is reported, with its wait.
pub async fn reports_what_the_target_says(stand: &dyn Stand) {
    let sink = stand.sink();
    stand.order(Act::Refuse);
    let answer = sink.deliver(&delivery(1)).await;
    assert!(matches!(answer, Answer::Refused { .. }), "a refusal is refused: {answer:?}");
    stand.order(Act::Busy(7));
    let answer = sink.deliver(&delivery(1)).await;
    let expected = stand.says_when().then_some(7_000);
    assert!(
        matches!(answer, Answer::Again { after_ms, .. } if after_ms == expected),
        "a busy target's wait is kept: {answer:?}"
    );
    assert_eq!(stand.received().len(), 2, "nothing was tried again by the sink itself");
}

/// An answer that is lost, late or nonsense leaves the outcome unknown.
pub async fn never_guesses_when_the_answer_is_lost(stand: &dyn Stand) {
    let sink = stand.sink();
    for (n, act) in [(1, Act::LoseAnswer), (2, Act::StaySilent), (3, Act::TalkNonsense)] {
        stand.order(act);
        let answer = sink.deliver(&delivery(n)).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{act:?} leaves the outcome unknown: {answer:?}");
    }
    assert_eq!(stand.received().len(), 3, "nothing was tried again by the sink itself");
}

/// A failed attempt leaves nothing behind that spoils the next one.
pub async fn goes_on_after_every_failure(stand: &dyn Stand) {
    let sink = stand.sink();
    for act in [Act::Refuse, Act::Busy(1), Act::LoseAnswer, Act::StaySilent, Act::TalkNonsense] {
        stand.order(act);
        sink.deliver(&delivery(1)).await;
        let answer = sink.deliver(&delivery(2)).await;
        assert!(matches!(answer, Answer::Delivered { .. }), "the attempt after {act:?}: {answer:?}");
    }
}

/// Without a connection there is certainly no effect.
pub async fn says_again_when_nothing_listens(stand: &dyn Stand) {
    stand.stop().await;
    let answer = stand.sink().deliver(&delivery(1)).await;
    assert!(matches!(answer, Answer::Again { .. }), "nothing listens: {answer:?}");
}

/// Dropping an attempt ends it and leaves the sink in order.
pub async fn can_be_cancelled(stand: &dyn Stand) {
    let sink = stand.sink();
    stand.order(Act::StaySilent);
    let first = delivery(1);
    tokio::select! {
        biased;
        answer = sink.deliver(&first) => assert!(matches!(answer, Answer::Unknown { .. }), "a silent target: {answer:?}"),
        () = stand.until_received(1) => {}
    }
    let answer = sink.deliver(&delivery(2)).await;
    assert!(matches!(answer, Answer::Delivered { .. }), "the attempt after a cancelled one: {answer:?}");
}

/// A body of several megabytes arrives whole.
pub async fn carries_a_large_body(stand: &dyn Stand) {
    let text = "0123456789abcdef".repeat(256 * 1024);
    let large = Delivery { body: Bytes::from(format!("\"{text}\"")), ..delivery(1) };
    let answer = stand.sink().deliver(&large).await;
    assert!(matches!(answer, Answer::Delivered { .. }), "a large body: {answer:?}");
    let received = stand.received();
    assert!(received.len() == 1 && received[0].1 == large.body, "the body arrives as it was given");
}

/// Many at once, each with its own answer.
pub async fn keeps_many_deliveries_apart(stand: &dyn Stand) {
    let sink = stand.sink();
    let deliveries: Vec<Delivery> = (1..=64).map(delivery).collect();
    let answers = join_all(deliveries.iter().map(|delivery| sink.deliver(delivery))).await;
    for answer in answers {
        assert!(matches!(answer, Answer::Delivered { .. }), "one of many at once: {answer:?}");
    }
    let mut received = stand.received();
    let mut sent: Vec<_> =
        deliveries.iter().map(|d| (d.idempotency_key.as_str().to_owned(), d.body.to_vec())).collect();
    received.sort();
    sent.sort();
    assert_eq!(received, sent, "each arrives once, under its own key");
}
