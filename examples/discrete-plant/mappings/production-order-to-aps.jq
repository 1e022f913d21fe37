{
  revision: (.sequence | tonumber),
  state: .data.status,
  item: .data.item,
  quantity: .data.quantity.value,
  start: .data.start,
  end: .data.end,
  priority: .data.priority,
  components: [.data.components[] | { item: .component, quantity: .quantity.value }]
}
