{
  receipt: .subject,
  order: .data.purchase_order,
  line: .data.order_line,
  asn: .data.asn,
  accepted: .data.accepted.value,
  rejected: .data.rejected.value,
  unit: code_back("units-procurement"; .data.accepted.unit)
}
