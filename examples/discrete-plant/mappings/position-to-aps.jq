{
  item: .data.item,
  location: .data.location,
  quantity: .data.on_hand.value,
  unit: .data.on_hand.unit,
  revision: (.sequence | tonumber)
}
