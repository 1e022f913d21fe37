# OperationsSchedule or a single OperationsRequest (V0600, V0700), or ProductionSchedule before that: production orders.
def default_unit: "C62"; # of a quantity that names none
def text: if type == "object" then .["#text"] else . end;
def list: if type == "array" then .[] elif . == null then empty else . end;
def amount: [.Quantity | list] | first | qty(.QuantityString | text; unit((.UnitOfMeasure | text | blank_to_null) // default_unit; "b2mml"));
def material: [.MaterialDefinitionID | list | text] | first;
def requirements: .. | objects | .MaterialRequirement? | list;
def produced: test("Produc");
(.SyncOperationsSchedule // .ProcessOperationsSchedule // .SyncProductionSchedule // {}) as $message
| [
    ($message.DataArea | .OperationsSchedule?, .ProductionSchedule? | list),
    .OperationsSchedule, .ProductionSchedule, { OperationsRequest: .OperationsRequest }
    | select(. != null)
  ]
| .[]
| . as $schedule
| (.OperationsRequest, .ProductionRequest)
| list
| . as $request
| [requirements] as $materials
| ([$materials[] | select(.MaterialUse | text // "" | produced)] | first) as $product
| ((.RequestState | text) // "Released") as $state
| code("request-state"; $state) as $status
| ({ planned: "created", created: "created", released: "released", running: "started", held: "held", completed: "completed", closed: "completed", cancelled: "cancelled" }[$status]) as $verb
| ((.ID | text) // error({ code: "request-without-id", message: "the request has no ID" })) as $order
| {
    type: "lineshaft.production-order.\($verb).v1",
    id: "b2mml-\($order)-\($message.ApplicationArea.BODID | text // ($message.ApplicationArea.CreationDateTime | text) // $state)",
    subject: $order,
    time: (($message.ApplicationArea.CreationDateTime | text) // ($schedule.PublishedDate | text) // $now),
    data: {
      item: ($product | material),
      site: (.HierarchyScope.EquipmentID | text),
      status: $status,
      quantity: ($product | amount),
      start: ((.StartTime | text) // ($schedule.StartTime | text)),
      end: ((.EndTime | text) // ($schedule.EndTime | text)),
      priority: ((.Priority | text) // "5" | tonumber),
      components: [
        $materials[]
        | select(.MaterialUse | text // "" | produced | not)
        | {
            component: material,
            location: (.StorageLocation | if type == "object" then (.Location // .EquipmentID | text) else . end),
            quantity: amount
          }
        | with_entries(select(.value != null))
      ],
      operations: [
        .SegmentRequirement
        | list
        | select(.EquipmentRequirement != null)
        | {
            operation: (.ID | text),
            work_centre: ([.EquipmentRequirement | list | .EquipmentID | list | text] | first),
            description: ([.Description | list | text] | first)
          }
        | with_entries(select(.value != null))
      ],
      extensions: { b2mml: { RequestState: $state } }
    }
    | with_entries(select(.value != null))
  }
