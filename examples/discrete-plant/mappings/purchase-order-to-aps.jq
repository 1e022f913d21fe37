# Scheduling plans with the last day of a line: before that not all of it is there.
{
  revision: (.sequence | tonumber),
  state: .data.status,
  lines: [
    .data.lines[]
    | { line, item, quantity: .quantity.value, unit: .quantity.unit, date: ([.schedule_lines[].date] | max) }
  ]
}
