//! Cross references for mappings, answered by the views.

use lineshaft_logic::References;
use lineshaft_logic::request::Escape as TemplateEscape;
use lineshaft_ports::Escape;
use lineshaft_store::views::Views;

/// The references of one tenant.
#[derive(Debug)]
pub(crate) struct ViewReferences<'a> {
    views: &'a Views,
    tenant: &'a str,
}

impl<'a> ViewReferences<'a> {
    pub(crate) const fn new(views: &'a Views, tenant: &'a str) -> Self {
        Self { views, tenant }
    }
}

impl References for ViewReferences<'_> {
    fn canonical(&self, system: &str, object_type: &str, key: &str) -> Option<String> {
        self.views.canonical(self.tenant, object_type, system, key).ok().flatten()
    }

    fn foreign(&self, system: &str, object_type: &str, canonical: &str) -> Option<String> {
        self.views.foreign(self.tenant, object_type, canonical, system).ok().flatten()
    }
}

/// How a slot's value is made safe, in the words of templates.
pub(crate) const fn escape(escape: Escape) -> TemplateEscape {
    match escape {
        Escape::PathSegment => TemplateEscape::PathSegment,
        Escape::QueryValue => TemplateEscape::QueryValue,
        Escape::Header => TemplateEscape::Header,
        Escape::Plain => TemplateEscape::Plain,
    }
}
