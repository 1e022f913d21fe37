# A version of the schedule, and an event for each order it touches. The orders' revisions belong to the ERP, so these events
# have none; the schedule's version keeps their order.
. as $schedule
| {
    type: "lineshaft.schedule.revised.v1",
    subject: .schedule,
    id: "\(.schedule)-V\(.version)",
    time: .at,
    revision: .version,
    data: {
      version: .version,
      base_version: .base,
      horizon: { from: .at, to: .horizonEnd },
      cause: .cause,
      moves: [.moves[] | { production_order: .order, action, start, reason }]
    }
  },
  (
    .moves[]
    | {
        type: (if .action == "hold" then "lineshaft.production-order.held.v1" else "lineshaft.production-order.rescheduled.v1" end),
        subject: .order,
        id: "\($schedule.schedule)-V\($schedule.version)-\(.order)",
        time: $schedule.at,
        priority: (if .action == "hold" then "critical" else "normal" end),
        data: {
          status: (if .action == "hold" then "held" else .state end),
          start: .start,
          schedule_version: $schedule.version,
          action: .action,
          reason: .reason,
          missing: (if .item then { item: .item, quantity: .missing } else null end)
        }
      }
  )
