{
  ScheduleVersion: .data.schedule_version,
  ScheduleAction: (.data.action | ascii_upcase),
  ScheduledStart: .data.start,
  Reason: .data.reason
}
