.d
| {
    type: "lineshaft.supplier.changed.v1",
    subject: (.Supplier | strip_zeros),
    time: (.LastChangeDateTime | odata_date),
    data: {
      name: .BusinessPartnerFullName,
      city: .to_BusinessPartnerAddress.results[0].CityName,
      country: .to_BusinessPartnerAddress.results[0].Country,
      status: (if .BusinessPartnerIsBlocked then "blocked" else "active" end),
      valid_from: (.LastChangeDateTime | odata_date | .[:10])
    }
  }
