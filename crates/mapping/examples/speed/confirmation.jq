# A supplier's order confirmation to the canonical supplier-confirmation.
.confirmation as $c
| {
    key: "\($c.orderNumber)-\($c.lineNumber)-\($c.confirmationId)",
    revision: $c.revision,
    recorded: $c.sentAt,
    order: $c.orderNumber,
    line: ($c.lineNumber | strip_zeros),
    supplier: $c.supplier.id,
    outcome: code("outcome"; $c.status),
    price: {amount: dec_norm($c.price.amount), currency: $c.price.currency},
    splits: [
      $c.schedule[]
      | {
          quantity: qty(.quantity; unit(.unit; "network")),
          date: date_only(.date; "%Y%m%d"),
          status: (if .status == "OK" then "confirmed" else "backordered" end)
        }
    ],
    reason: ($c.reason // null),
    contact: (if $c.contact.email then {name: $c.contact.name, email: ($c.contact.email | ascii_downcase)} else null end),
    extensions: {network: {document: $c.documentId, portal: $c.portal}}
  }
