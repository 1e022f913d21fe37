# The ERP says what is made of what; the scheduler only says whether it goes on.
if .system == "aps" then
  { schedule_version: .data.schedule_version, state: .data.status, reason: .data.reason }
else
  {
    revision: (.sequence | tonumber),
    state: .data.status,
    product: .data.item,
    yield: .data.yield.value,
    components: [
      .data.components[]
      | { item: .component, location, quantity: .quantity.value, unit: code_back("units-wms"; .quantity.unit) }
    ]
  }
end
