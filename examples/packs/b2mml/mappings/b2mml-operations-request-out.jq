# A production order as SyncOperationsSchedule of B2MML V0700, with one request.
def quantity: [{ QuantityString: .value, DataType: "decimal", UnitOfMeasure: code_back("units-b2mml"; .unit) }];
. as $event
| .data as $order
| {
    SyncOperationsSchedule: {
      "@releaseID": "7.0",
      ApplicationArea: {
        Sender: { LogicalID: "LINESHAFT" },
        CreationDateTime: $event.time,
        BODID: $event.id
      },
      DataArea: {
        Sync: "",
        OperationsSchedule: [
          {
            ID: $event.subject,
            OperationsRequest: [
              {
                ID: $event.subject,
                StartTime: $order.start,
                EndTime: $order.end,
                HierarchyScope: (if $order.site == null then null else { EquipmentID: $order.site, EquipmentElementLevel: "Site" } end),
                OperationsType: "Production",
                Priority: ($order.priority | tostring),
                RequestState: code_back("request-state"; $order.status),
                SegmentRequirement: (
                  [
                    {
                      ID: "material",
                      # The schema wants all three; the hub knows no more than the item and the step.
                      ProcessSegmentID: "material",
                      OperationsDefinitionID: $order.item,
                      OperationsSegmentID: "material",
                      MaterialRequirement: (
                        [{ ID: "product", MaterialDefinitionID: [$order.item], MaterialUse: "Produced", Quantity: ($order.quantity | quantity) }]
                        + [
                          $order.components // []
                          | to_entries[]
                          | "\(.key + 1)" as $id
                          | .value
                          | {
                              ID: $id,
                              MaterialDefinitionID: [.component],
                              MaterialUse: "Consumed",
                              StorageLocation: (if .location == null then null else { Location: .location, LocationType: "Operational Location" } end),
                              Quantity: (.quantity | quantity)
                            }
                        ]
                      )
                    }
                  ]
                  + [
                    $order.operations[]?
                    | {
                        ID: .operation,
                        Description: (if .description == null then null else [.description] end),
                        ProcessSegmentID: .operation,
                        OperationsDefinitionID: $order.item,
                        OperationsSegmentID: .operation,
                        EquipmentRequirement: [{ ID: .operation, EquipmentID: [.work_centre] }]
                      }
                  ]
                )
              }
            ]
          }
        ]
      }
    }
  }
