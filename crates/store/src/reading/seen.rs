//! Reading for one reader: what each record is about, and which acts the reader may do with it.
//!
//! Every reading comes through here, so that no window can forget to ask.

use std::sync::Arc;

use lineshaft_model::record::{EventRecord, QuarantineHead};
use lineshaft_model::shown::AmendmentRow;
use lineshaft_model::sight::{About, Act, Mask, PARTNER_TYPE, Sight};
use lineshaft_model::{DeliveryId, EventType, Position};
use serde_json::value::RawValue;

use super::events::json_of;
use super::{Reading, ReadingError};

/// What withheld data is called where the answer says what is missing.
const DATA: &str = "data";

impl Reading {
    /// The same journal, views and indexes, as this reader sees them.
    #[must_use]
    pub fn seen_by(&self, sight: Arc<dyn Sight>) -> Self {
        Self { sight: Some(sight), ..self.clone() }
    }

    pub(super) fn sight(&self) -> Option<&dyn Sight> {
        self.sight.as_deref()
    }

    /// Whether the reader may do this with anything of a type.
    pub(super) fn may_some(&self, act: Act, tenant: &str, object_type: &str) -> bool {
        self.sight().is_none_or(|sight| sight.may_some(act, tenant, object_type))
    }

    /// Tells what an event is about: its object's site and partners count as well as its own.
    fn about_event<T>(
        &self,
        sight: &dyn Sight,
        event: &EventRecord<'_>,
        tell: impl FnOnce(&About<'_>) -> T,
    ) -> Result<T, ReadingError> {
        let (object_type, key) = event.object().unwrap_or_default();
        let mut bound = None;
        if !sight.is_unbound() && !object_type.is_empty() {
            bound = self.views.object_bound(event.tenant, object_type, key)?;
        }
        let bound = bound.unwrap_or_default();
        let named = event.keys().filter(|(of_type, _)| *of_type == PARTNER_TYPE).map(|(_, partner)| partner);
        let own = (object_type == PARTNER_TYPE).then_some(key);
        let mut partners: Vec<&str> = named.chain(own).collect();
        partners.extend(bound.partners.iter().map(String::as_str));
        partners.sort_unstable();
        partners.dedup();
        Ok(tell(&About {
            tenant: event.tenant,
            object_type,
            site: if event.site.is_empty() { &bound.site } else { event.site },
            partners: &partners,
            system: event.system(),
        }))
    }

    /// Whether the reader may do all of this with an event.
    pub(super) fn allows_event(&self, acts: &[Act], event: &EventRecord<'_>) -> Result<bool, ReadingError> {
        let Some(sight) = self.sight() else { return Ok(true) };
        self.about_event(sight, event, |about| acts.iter().all(|act| sight.may(*act, about)))
    }

    /// Which of the fields of an event's data are not for the reader.
    pub(super) fn cover_event(&self, event: &EventRecord<'_>) -> Result<Cover, ReadingError> {
        let Some(sight) = self.sight() else { return Ok(Cover::default()) };
        self.about_event(sight, event, |about| Cover::of(sight, about))
    }

    /// Tells what an object is about; `None` for one not held.
    fn about_object<T>(
        &self,
        (tenant, object_type, key): (&str, &str, &str),
        tell: impl FnOnce(&About<'_>) -> T,
    ) -> Result<Option<T>, ReadingError> {
        let Some(bound) = self.views.object_bound(tenant, object_type, key)? else { return Ok(None) };
        let Some(row) = self.views.object_row(tenant, object_type, key)? else { return Ok(None) };
        let partners: Vec<&str> = bound.partners.iter().map(String::as_str).collect();
        let about =
            About { tenant, object_type, site: &bound.site, partners: &partners, system: &row.system };
        Ok(Some(tell(&about)))
    }

    /// Whether the reader may do this with an object that is held. One that is only spoken of is about nothing but its type.
    pub(super) fn allows_object(&self, act: Act, object: (&str, &str, &str)) -> Result<bool, ReadingError> {
        let Some(sight) = self.sight() else { return Ok(true) };
        let held = self.about_object(object, |about| sight.may(act, about))?;
        let (tenant, object_type, _) = object;
        Ok(held.unwrap_or_else(|| sight.may(act, &About { tenant, object_type, ..About::default() })))
    }

    /// Which of the fields of an object's data are not for the reader.
    pub(super) fn cover_object(&self, object: (&str, &str, &str)) -> Result<Cover, ReadingError> {
        let Some(sight) = self.sight() else { return Ok(Cover::default()) };
        Ok(self.about_object(object, |about| Cover::of(sight, about))?.unwrap_or_default())
    }

    /// Whether the reader may do this with a refused input.
    pub(super) fn allows_refused(&self, act: Act, head: &QuarantineHead) -> bool {
        let Some(sight) = self.sight() else { return true };
        let object_type = EventType::parse(&head.event_type).map(|parsed| parsed.object_type());
        let system = head.intake.split('/').next().unwrap_or_default();
        let about = About {
            tenant: &head.tenant,
            object_type: object_type.unwrap_or_default(),
            system,
            ..About::default()
        };
        sight.may(act, &about) && sight.may(Act::SeeDeliveries, &about) && sight.may(Act::See, &about)
    }

    /// Whether the reader may do this with a delivery; `None` when there is none for this reader.
    pub fn allows_delivery(&self, act: Act, id: DeliveryId) -> Result<Option<bool>, ReadingError> {
        let allowed = self.with_event(id.event, |_, event| {
            if event.owed_at(id.n).is_none() || !self.allows_event(&[Act::See, Act::SeeDeliveries], event)? {
                return Ok(None);
            }
            self.allows_event(&[act], event).map(Some)
        })?;
        Ok(allowed.flatten())
    }

    /// Whether the reader may do this with a refused input; `None` when there is none for this reader.
    pub fn allows_quarantined(&self, act: Act, position: Position) -> Result<Option<bool>, ReadingError> {
        let Some(head) = self.quarantine_head(position)? else { return Ok(None) };
        Ok(self.allows_refused(Act::See, &head).then(|| self.allows_refused(act, &head)))
    }
}

/// What of a record is not for the reader.
#[derive(Debug, Default)]
pub(super) struct Cover {
    no_data: bool,
    pub(super) no_raw: bool,
    pub(super) no_deliveries: bool,
    mask: Option<Arc<Mask>>,
}

impl Cover {
    /// An amendment without what it changed, where a part of the data is not to be seen.
    pub(super) fn amendment(&self, mut row: AmendmentRow) -> AmendmentRow {
        if self.no_data || self.mask.is_some() {
            row.head.changes.clear();
        }
        row
    }

    fn of(sight: &dyn Sight, about: &About<'_>) -> Self {
        let mask = sight.mask(about);
        Self {
            no_data: !sight.may(Act::SeeData, about),
            // Nobody can tell which of the bytes are the fields that are masked.
            no_raw: !sight.may(Act::SeeRaw, about) || mask.is_some(),
            no_deliveries: !sight.may(Act::SeeDeliveries, about),
            mask,
        }
    }

    /// The data as the reader may see it.
    pub(super) fn data(&self, json: &[u8], withheld: &mut Vec<String>) -> Box<RawValue> {
        if self.no_data {
            withheld.push(DATA.to_owned());
            return RawValue::NULL.to_owned();
        }
        let Some(mask) = &self.mask else { return json_of(json) };
        let (covered, masked) = mask.apply(json);
        if masked {
            withheld.extend(mask.groups.iter().cloned());
        }
        json_of(&covered)
    }
}
