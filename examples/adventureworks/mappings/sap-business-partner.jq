# A_BusinessPartner. Customers are business partners too: `roles` says which it is.
{
  type: "lineshaft.supplier.changed.v1",
  subject: .BusinessPartner,
  data: {
    supplier: .BusinessPartner,
    name: .BusinessPartnerFullName,
    status: (if .BusinessPartnerIsBlocked then "blocked" else "active" end),
    roles: [(if .Supplier != "" then "supplier" else empty end), (if .Customer != "" then "customer" else empty end)],
    extensions: { sap: { category: .BusinessPartnerCategory, grouping: .BusinessPartnerGrouping } }
  }
}
