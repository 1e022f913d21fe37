# A row of Vendor.
{
  type: "lineshaft.supplier.changed.v1",
  subject: .BusinessEntityID,
  time: datetime(.ModifiedDate; "%Y-%m-%d %H:%M:%S%.f"; "America/Los_Angeles"),
  data: {
    supplier: .BusinessEntityID,
    account: .AccountNumber,
    name: .Name,
    credit_rating: .CreditRating,
    preferred: (.PreferredVendorStatus == "1"),
    status: (if .ActiveFlag == "1" then "active" else "inactive" end)
  },
  keys: { supplier: .AccountNumber }
}
